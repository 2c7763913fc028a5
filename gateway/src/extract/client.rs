//! Where a request came from.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use http::request::Parts;
use http::{Extensions, header};

/// Longest name of a client that is kept, in characters.
const USER_AGENT_MAX: usize = 255;

/// The other end of the connection. Headers of proxies are not believed: anybody can write them.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// Its address; a server that was not told counts everybody as itself.
    pub(crate) address: IpAddr,
    /// What it calls itself.
    pub(crate) user_agent: Option<String>,
}

/// The address of the other end.
pub(crate) fn address(extensions: &Extensions) -> IpAddr {
    extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(address)| address.ip())
}

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let user_agent = parts.headers.get(header::USER_AGENT);
        let user_agent = user_agent.and_then(|value| value.to_str().ok());
        let user_agent = user_agent.map(|text| text.chars().take(USER_AGENT_MAX).collect());
        Ok(Self { address: address(&parts.extensions), user_agent })
    }
}
