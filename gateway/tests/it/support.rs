//! What the tests share: a gateway on a fresh database, and a client of it.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use chrono::{DateTime, TimeDelta, Utc};
use engine::strategy::{ParamError, Params};
use engine::{Clock, ConfigId, IdSource, Ticker, UserId};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use gateway::{
    ActorReport, AuthSettings, Engine, EngineHealth, EngineRefusal, GatewayParts, GatewaySettings,
    Lifetimes, LimitSettings, PasswordCost, PriceNews, PriceQuote, TickerListing,
};
use http::{HeaderMap, Method, Request};
use serde_json::Value;
use storage::Database;
use storage::configs::{self, Activity};
use storage::testing::TestDatabase;
use storage::users::{self, Role};
use tower::ServiceExt as _;
use uuid::Uuid;

pub(crate) const PASSWORD: &str = "SecurePass123!";
const START_S: i64 = 1_770_000_000;

/// A clock that stands still until it is set forward: nanoseconds since the start.
#[derive(Debug, Default)]
pub(crate) struct StillClock(AtomicI64);

impl StillClock {
    pub(crate) fn forward(&self, seconds: i64) {
        self.forward_ns(seconds * 1_000_000_000);
    }

    pub(crate) fn forward_ns(&self, nanoseconds: i64) {
        self.0.fetch_add(nanoseconds, Ordering::SeqCst);
    }
}

impl Clock for StillClock {
    fn now(&self) -> DateTime<Utc> {
        at(0) + TimeDelta::nanoseconds(self.0.load(Ordering::SeqCst))
    }
}

/// Counts.
#[derive(Debug, Default)]
pub(crate) struct CountedIds(AtomicU64);

impl IdSource for CountedIds {
    fn uuid(&self) -> Uuid {
        Uuid::from_u128(0x6a7e_u128 << 100 | u128::from(self.0.fetch_add(1, Ordering::SeqCst)))
    }
}

/// The version of the newest change, and each price with the version of its own.
type Board = (u64, BTreeMap<Ticker, (u64, PriceQuote)>);

/// An engine that does what the test says.
#[derive(Debug)]
pub(crate) struct ScriptedEngine {
    database: Database,
    clock: Arc<StillClock>,
    pub(crate) listed: Mutex<Vec<&'static str>>,
    pub(crate) venue_unavailable: Mutex<bool>,
    pub(crate) refusal: Mutex<Option<EngineRefusal>>,
    pub(crate) calls: Mutex<Vec<String>>,
    pub(crate) reports: Mutex<Vec<ActorReport>>,
    pub(crate) health: Mutex<EngineHealth>,
    board: Mutex<Board>,
    /// Commands wait here while it is held.
    pub(crate) gate: tokio::sync::Mutex<()>,
    /// Commands that came as far as the gate.
    pub(crate) at_gate: AtomicU64,
}

impl ScriptedEngine {
    fn new(database: Database, clock: Arc<StillClock>) -> Self {
        Self {
            database,
            clock,
            listed: Mutex::new(vec!["AAPL", "MSFT", "TSLA", "BTC/USD"]),
            venue_unavailable: Mutex::default(),
            refusal: Mutex::default(),
            calls: Mutex::default(),
            reports: Mutex::default(),
            health: Mutex::new(EngineHealth { journal_ok: true, venue_connected: true }),
            board: Mutex::default(),
            gate: tokio::sync::Mutex::default(),
            at_gate: AtomicU64::default(),
        }
    }

    /// A new price.
    pub(crate) fn price(&self, ticker: &str, price: f64) {
        let mut board = self.board.lock().unwrap();
        board.0 += 1;
        let quote = PriceQuote { price, at: self.clock.now(), source: "venue" };
        let version = board.0;
        board.1.insert(Ticker::new(ticker).unwrap(), (version, quote));
    }

    async fn switch(
        &self,
        user: UserId,
        config: ConfigId,
        activity: Activity,
    ) -> Result<(), EngineRefusal> {
        self.at_gate.fetch_add(1, Ordering::SeqCst);
        drop(self.gate.lock().await);
        self.calls.lock().unwrap().push(format!("{activity:?}"));
        if let Some(refusal) = self.refusal.lock().unwrap().clone() {
            return Err(refusal);
        }
        let mut connection = self.database.pool().acquire().await.unwrap();
        let (user, config) = (user.as_uuid(), config.as_uuid());
        let at = self.clock.now();
        let changed = configs::set_active(&mut connection, user, config, activity, at).await;
        changed.unwrap().map(|_| ()).ok_or_else(|| EngineRefusal {
            kind: gateway::RefusalKind::NotFound,
            code: "not_found",
            message: "there is no such config".to_owned(),
        })
    }
}

impl Engine for ScriptedEngine {
    fn activate(&self, user: UserId, config: ConfigId) -> BoxFuture<'_, Result<(), EngineRefusal>> {
        self.switch(user, config, Activity::Active).boxed()
    }

    fn deactivate(
        &self,
        user: UserId,
        config: ConfigId,
    ) -> BoxFuture<'_, Result<(), EngineRefusal>> {
        self.switch(user, config, Activity::Inactive).boxed()
    }

    fn known_ticker<'a>(&'a self, ticker: &'a Ticker) -> BoxFuture<'a, TickerListing> {
        let listing = if *self.venue_unavailable.lock().unwrap() {
            TickerListing::Unavailable
        } else if self.listed.lock().unwrap().contains(&ticker.as_str()) {
            TickerListing::Listed
        } else {
            TickerListing::Unknown
        };
        std::future::ready(listing).boxed()
    }

    /// One strategy with one parameter.
    fn check_strategy(&self, name: &str, params: &Params) -> Result<Params, ParamError> {
        if name != "sma_cross" {
            let known = "sma_cross".to_owned();
            return Err(ParamError::UnknownStrategy { name: name.to_owned(), known });
        }
        if let Some(name) = params.keys().find(|name| !["fast", "slow"].contains(&name.as_str())) {
            let known = "fast, slow".to_owned();
            let (strategy, name) = ("sma_cross", name.clone());
            return Err(ParamError::UnknownParam { strategy, name, known });
        }
        Ok(params.clone())
    }

    fn actors(&self) -> BoxFuture<'_, Vec<ActorReport>> {
        std::future::ready(self.reports.lock().unwrap().clone()).boxed()
    }

    fn prices_since(&self, version: u64) -> BoxFuture<'_, Result<PriceNews, EngineRefusal>> {
        let board = self.board.lock().unwrap();
        let newer = board.1.iter().filter(|(_, (changed, _))| *changed > version);
        let prices = newer.map(|(ticker, (_, quote))| (ticker.clone(), *quote)).collect();
        std::future::ready(Ok(PriceNews { version: board.0, prices })).boxed()
    }

    fn health(&self) -> BoxFuture<'_, EngineHealth> {
        std::future::ready(*self.health.lock().unwrap()).boxed()
    }
}

/// A gateway of one test.
pub(crate) struct Gateway {
    pub(crate) test: TestDatabase,
    pub(crate) engine: Arc<ScriptedEngine>,
    pub(crate) clock: Arc<StillClock>,
    ids: Arc<CountedIds>,
    settings: GatewaySettings,
    router: Router,
}

impl Gateway {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    pub(crate) async fn start_with(adjust: impl FnOnce(&mut GatewaySettings)) -> Self {
        let test = TestDatabase::create().await;
        let clock = Arc::new(StillClock::default());
        let engine = ScriptedEngine::new(test.database().clone(), Arc::clone(&clock));
        let mut settings = settings();
        adjust(&mut settings);
        let (engine, ids) = (Arc::new(engine), Arc::new(CountedIds::default()));
        let parts = parts(&test, &engine, &clock, &ids, &settings);
        let router = gateway::router(parts).await.unwrap();
        Self { test, engine, clock, ids, settings, router }
    }

    /// What a process has that starts anew on the same database.
    pub(crate) async fn restart(&mut self) {
        self.router = gateway::router(self.parts()).await.unwrap();
    }

    pub(crate) fn parts(&self) -> GatewayParts {
        parts(&self.test, &self.engine, &self.clock, &self.ids, &self.settings)
    }

    pub(crate) async fn send(&self, call: Call) -> Answer {
        let response = self.router.clone().oneshot(call.into_request()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 22).await.unwrap();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.to_vec() }
    }

    /// Registers a user of that name; from an address of its own.
    pub(crate) async fn register(&self, name: &str) -> Uuid {
        let answer = self.send(Call::post("/v1/auth/register").json(&registration(name))).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().parse().unwrap()
    }

    /// Logs in at `/v1`; answers the whole answer.
    pub(crate) async fn login(&self, name: &str) -> Value {
        let body = serde_json::json!({"username": name, "password": PASSWORD});
        let answer = self.send(Call::post("/v1/auth/login").json(&body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Registers and logs in; answers the access token.
    pub(crate) async fn token_of(&self, name: &str) -> String {
        self.register(name).await;
        text(&self.login(name).await["access_token"])
    }

    pub(crate) async fn set_role(&self, user: Uuid, role: Role) {
        let mut connection = self.test.pool().acquire().await.unwrap();
        assert!(users::set_role(&mut connection, user, role, self.clock.now()).await.unwrap());
    }

    /// What the audit log holds, oldest first.
    pub(crate) async fn audited(&self) -> Vec<String> {
        let mut connection = self.test.pool().acquire().await.unwrap();
        let page = storage::PageRequest { limit: 1000, offset: 0 };
        let entries = storage::audit::list(&mut connection, page).await.unwrap().items;
        // Newest first, and by id within one moment: ids are counted.
        let mut entries: Vec<_> =
            entries.into_iter().map(|e| (e.created_at, e.id, e.action)).collect();
        entries.sort();
        entries.into_iter().map(|(_, _, action)| action).collect()
    }
}

fn parts(
    test: &TestDatabase,
    engine: &Arc<ScriptedEngine>,
    clock: &Arc<StillClock>,
    ids: &Arc<CountedIds>,
    settings: &GatewaySettings,
) -> GatewayParts {
    GatewayParts {
        database: test.database().clone(),
        troupe: Arc::clone(engine) as Arc<dyn Engine>,
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        ids: Arc::clone(ids) as Arc<dyn IdSource>,
        settings: settings.clone(),
    }
}

fn settings() -> GatewaySettings {
    let lifetimes = |access, refresh| Lifetimes {
        access: Duration::from_secs(access),
        refresh: Duration::from_secs(refresh),
    };
    GatewaySettings {
        auth: AuthSettings {
            jwt_secret: "the secret of the tests, long enough".into(),
            issuer: "troupe".to_owned(),
            audience: "troupe".to_owned(),
            bearer: lifetimes(3600, 2_592_000),
            cookie: lifetimes(900, 604_800),
            login_attempts: 5,
            login_window: Duration::from_mins(15),
            password: PasswordCost { memory_kb: 8, iterations: 1 },
        },
        limits: LimitSettings {
            requests_per_minute: 1000,
            websockets_per_address: 50,
            body_bytes: 16 * 1024,
        },
        cors_origins: vec!["https://friend.example".parse().unwrap()],
        cookie_secure: true,
        request_timeout: Duration::from_secs(30),
        shutdown_grace: Duration::from_secs(5),
        price_frame_interval: Duration::from_millis(20),
    }
}

pub(crate) fn registration(name: &str) -> Value {
    serde_json::json!({
        "email": format!("{name}@example.com"),
        "username": name,
        "password": PASSWORD,
        "first_name": "John",
        "last_name": "Doe",
    })
}

/// A request to be.
pub(crate) struct Call {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
    from: IpAddr,
}

impl Call {
    pub(crate) fn new(method: &str, path: impl Into<String>) -> Self {
        Self {
            method: method.parse().unwrap(),
            path: path.into(),
            headers: HeaderMap::new(),
            body: Vec::new(),
            from: [192, 0, 2, 1].into(),
        }
        .header("host", "troupe.example")
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn post(path: impl Into<String>) -> Self {
        Self::new("POST", path)
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.append(name, value.parse().unwrap());
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// As a page of this site sends it.
    pub(crate) fn same_origin(self) -> Self {
        self.header("origin", "https://troupe.example")
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.raw("application/json", &body.to_string())
    }

    pub(crate) fn raw(mut self, content_type: &str, body: &str) -> Self {
        self.body = body.as_bytes().to_vec();
        self.header("content-type", content_type)
    }

    pub(crate) fn from(mut self, address: &str) -> Self {
        self.from = address.parse().unwrap();
        self
    }

    fn into_request(self) -> Request<Body> {
        let mut request = Request::new(Body::from(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = self.path.parse().unwrap();
        *request.headers_mut() = self.headers;
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((self.from, 40_000))));
        request
    }
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status and code of a problem document, whose shape is checked on the way.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let document = self.json();
        for field in ["type", "title", "detail", "code", "request_id"] {
            assert!(document[field].is_string(), "{field} of {document}");
        }
        assert_eq!(document["status"], self.status);
        assert_eq!(document["request_id"], self.header("x-request-id"));
        (self.status, text(&document["code"]))
    }

    /// Fields and codes of a refused body or query.
    pub(crate) fn wrong_fields(&self) -> Vec<(String, String)> {
        assert_eq!(self.problem(), (422, "validation_failed".to_owned()), "{}", self.text());
        let errors = self.json()["errors"].as_array().unwrap().clone();
        assert!(errors.iter().all(|error| error["message"].is_string()));
        errors.iter().map(|error| (text(&error["field"]), text(&error["code"]))).collect()
    }

    /// The `Set-Cookie` line of that name.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let lines = self.headers.get_all("set-cookie").into_iter();
        let lines = lines.map(|line| line.to_str().unwrap().to_owned());
        lines.into_iter().find(|line| line.starts_with(&format!("{name}=")))
    }

    /// All cookies as a browser sends them back.
    pub(crate) fn cookies(&self) -> String {
        let lines = self.headers.get_all("set-cookie").into_iter();
        let pairs = lines.map(|line| line.to_str().unwrap().split(';').next().unwrap().to_owned());
        pairs.collect::<Vec<_>>().join("; ")
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Pairs, as [`Answer::wrong_fields`] answers them.
pub(crate) fn pairs(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(field, code)| ((*field).to_owned(), (*code).to_owned())).collect()
}

pub(crate) fn code(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// Later than the start of the tests' time.
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(START_S, 0).unwrap() + TimeDelta::seconds(seconds)
}

/// A gateway that listens.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    stop: tokio::sync::oneshot::Sender<()>,
    tasks: tokio::task::JoinSet<Result<(), gateway::GatewayError>>,
}

/// A client's end of a stream.
pub(crate) type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// Longest that a test waits for something that must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

impl Served {
    pub(crate) async fn of(gateway: &Gateway) -> Self {
        let listener = gateway::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let mut tasks = tokio::task::JoinSet::new();
        let stopped = async { stopped.await.unwrap() };
        tasks.spawn(gateway::serve(gateway.parts(), listener, stopped));
        Self { address, stop, tasks }
    }

    /// A stream, or the status and body of the refusal.
    pub(crate) async fn connect(&self, path: &str) -> Result<Socket, (u16, Value)> {
        let url = format!("ws://{}{path}", self.address);
        match tokio_tungstenite::connect_async(url).await {
            Ok((socket, _)) => Ok(socket),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                let body = serde_json::from_slice(body).unwrap_or(Value::Null);
                Err((response.status().as_u16(), body))
            }
            Err(error) => unreachable!("no connection: {error}"),
        }
    }

    /// Tells the server to end; it must, soon.
    pub(crate) fn stop(mut self) -> impl Future<Output = ()> {
        self.stop.send(()).unwrap();
        async move {
            let ended = tokio::time::timeout(PATIENCE, self.tasks.join_next()).await;
            ended.unwrap().unwrap().unwrap().unwrap();
        }
    }
}
