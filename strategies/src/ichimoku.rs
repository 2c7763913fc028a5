//! Ichimoku: with the trend while the close is beyond the cloud and the lines agree.
//!
//! The cloud at a bar is that of the spans computed `kijun` bars before.

use crate::prelude::*;
use engine::indicator::{Ichimoku, Lag};

/// The catalogue's entry.
pub(crate) const DEFINITION: Definition = Definition {
    name: "ichimoku",
    description: "Long when the close is above the cloud and the conversion line above the base line, until either fails; short is the mirror.",
    tickers: 1,
    params: &[
        ParamSpec::bars("tenkan", "Bars of the conversion line.", 9.0, 2.0),
        ParamSpec::bars(
            "kijun",
            "Bars of the base line, and how far the cloud is moved on.",
            26.0,
            2.0,
        ),
        ParamSpec::bars("senkou", "Bars of the second span.", 52.0, 2.0),
    ],
    check: |_| Ok(()),
    build: |params| {
        let [tenkan, kijun, senkou] = ["tenkan", "kijun", "senkou"].map(|name| whole(params, name));
        let longest = tenkan.max(kijun).max(senkou);
        Box::new(IchimokuTrend {
            warmup_bars: u32::from(longest).saturating_add(u32::from(kijun)),
            ichimoku: Ichimoku::new(tenkan, kijun, senkou),
            span_a: Lag::new(kijun),
            span_b: Lag::new(kijun),
            view: None,
            stance: None,
        })
    },
};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct IchimokuTrend {
    warmup_bars: u32,
    ichimoku: Ichimoku,
    span_a: Lag,
    span_b: Lag,
    view: Option<CloudView>,
    stance: Option<Stance>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct CloudView {
    tenkan: f64,
    kijun: f64,
    top: f64,
    bottom: f64,
}

impl Strategy for IchimokuTrend {
    fn on_bar(&mut self, bar: &Bar) -> Option<Stance> {
        self.view = self.look(bar);
        let (CloudView { tenkan, kijun, top, bottom }, close) = (self.view?, bar.close);
        let enter = if close > top && tenkan > kijun {
            Some(Stance::Long)
        } else if close < bottom && tenkan < kijun {
            Some(Stance::Short)
        } else {
            None
        };
        self.stance = after(self.stance, enter, |side| match side {
            Stance::Long => close < bottom || tenkan < kijun,
            Stance::Short => close > top || tenkan > kijun,
            Stance::Flat => false,
        });
        self.stance
    }

    fn indicators(&self) -> Indicators {
        let values = |view: CloudView| {
            Indicators::from([
                ("tenkan", view.tenkan),
                ("kijun", view.kijun),
                ("cloud_top", view.top),
                ("cloud_bottom", view.bottom),
            ])
        };
        self.view.map(values).unwrap_or_default()
    }

    fn warmup_bars(&self) -> u32 {
        self.warmup_bars
    }
}

impl IchimokuTrend {
    fn look(&mut self, bar: &Bar) -> Option<CloudView> {
        let lines = self.ichimoku.next(bar);
        let span_a = lines.span_a.and_then(|span| self.span_a.next(span));
        let span_b = lines.span_b.and_then(|span| self.span_b.next(span));
        let (span_a, span_b) = span_a.zip(span_b)?;
        let (top, bottom) = (span_a.max(span_b), span_a.min(span_b));
        Some(CloudView { tenkan: lines.tenkan?, kijun: lines.kijun?, top, bottom })
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{FLAT, LONG, SHORT, of_closes};

    #[test]
    fn it_goes_beyond_the_cloud_of_some_bars_before_and_leaves_when_the_lines_disagree() {
        let rise = (0..8).map(|step| 10.0 + f64::from(step));
        let closes: Vec<_> = rise.chain([16.0, 15.0, 5.0]).collect();
        let stances = of_closes("ichimoku tenkan=2 kijun=3 senkou=4", &closes);
        assert_eq!(stances[..6], [None; 6], "a cloud is there after four bars and three more");
        assert_eq!(stances[6..], [LONG, LONG, LONG, FLAT, SHORT]);
    }
}
