//! Charts as SVG that takes its colours from the page.
//!
//! The drawing library writes plain colours. Each [`Ink`] is a colour nobody would choose, which the
//! page's style sheet replaces: so one drawing serves light and dark.

use std::ops::Range;

use chrono::{DateTime, Utc};
use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;

use super::ticks::{round_times, round_values};

/// What a line, an area or a letter is drawn in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    /// The strategy's line.
    Accent,
    /// What it is compared with, and prices.
    Quiet,
    /// Losses.
    Down,
    /// Gains.
    Up,
    /// Letters.
    Text,
    /// Lines of the grid.
    Grid,
}

impl Ink {
    /// The colour that stands for it; `style.css` knows the same ones.
    const fn color(self) -> RGBColor {
        match self {
            Self::Accent => RGBColor(1, 1, 1),
            Self::Quiet => RGBColor(2, 2, 2),
            Self::Down => RGBColor(3, 3, 3),
            Self::Up => RGBColor(4, 4, 4),
            Self::Text => RGBColor(5, 5, 5),
            Self::Grid => RGBColor(6, 6, 6),
        }
    }
}

/// A value in time.
pub(super) type Point = (DateTime<Utc>, f64);

/// A line, or an area down from zero.
#[derive(Debug, Clone)]
pub(super) struct Curve {
    pub(super) ink: Ink,
    pub(super) points: Vec<Point>,
    /// Filled to zero.
    pub(super) filled: bool,
}

/// A triangle on a price.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) at: Point,
    /// Points upwards: something was bought.
    pub(super) up: bool,
}

/// What is drawn.
#[derive(Debug)]
pub(super) struct Chart {
    /// Unique on the page.
    pub(super) id: &'static str,
    /// What it shows, for those who hear it.
    pub(super) title: String,
    /// What can be seen in it.
    pub(super) description: String,
    /// Drawn in this order.
    pub(super) curves: Vec<Curve>,
    /// Drawn last.
    pub(super) marks: Vec<Mark>,
    /// Values as words.
    pub(super) label: fn(f64) -> String,
}

/// Size of a drawing, and how much fits into it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    name: &'static str,
    width: u32,
    height: u32,
    time_marks: usize,
    value_marks: u32,
    label_width: u32,
}

/// On a desk.
pub(super) const WIDE: Size = Size {
    name: "wide",
    width: 1040,
    height: 320,
    time_marks: 10,
    value_marks: 5,
    label_width: 64,
};

/// On a phone.
pub(super) const NARROW: Size = Size {
    name: "narrow",
    width: 380,
    height: 240,
    time_marks: 5,
    value_marks: 4,
    label_width: 56,
};

impl Size {
    /// The same with another height, a fraction of this one.
    pub(super) const fn flat(self) -> Self {
        Self { height: self.height * 3 / 5, value_marks: 3, ..self }
    }
}

/// The library draws letters smaller than it is told.
const LETTERS: (&str, u32) = ("sans-serif", 15);

impl Chart {
    /// The chart in one size. `None`: there is nothing to draw.
    pub(super) fn svg(&self, size: Size) -> anyhow::Result<Option<String>> {
        let Some(frame) = Frame::of(self) else { return Ok(None) };
        let mut text = String::new();
        {
            let area =
                SVGBackend::with_string(&mut text, (size.width, size.height)).into_drawing_area();
            self.draw(&area, &frame, size)
                .map_err(|error| anyhow::anyhow!("a chart cannot be drawn: {error}"))?;
            area.present().map_err(|error| anyhow::anyhow!("a chart cannot be drawn: {error}"))?;
        }
        Ok(Some(self.with_words(&text, size)))
    }

    fn draw(
        &self,
        area: &DrawingArea<SVGBackend<'_>, Shift>,
        frame: &Frame,
        size: Size,
    ) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
        let times = round_times(frame.first, frame.last, size.time_marks);
        let values = round_values(frame.low, frame.high, size.value_marks);
        let (from, to) =
            (seconds(frame.first), seconds(frame.last).max(seconds(frame.first) + 1.0));
        let time_marks: Vec<f64> = times.iter().map(|(at, _)| seconds(*at)).collect();
        let time_axis = Axis { range: from..to, marks: time_marks };
        let value_axis = Axis { range: frame.low..frame.high, marks: values };
        let mut chart = ChartBuilder::on(area)
            .margin_top(8)
            .margin_left(4)
            .x_label_area_size(24)
            .right_y_label_area_size(size.label_width)
            .build_cartesian_2d(time_axis, value_axis)?;
        let time_label = |at: &f64| {
            let found = times.iter().find(|(time, _)| (seconds(*time) - at).abs() < 0.5);
            found.map_or_else(String::new, |(_, label)| label.clone())
        };
        let value_label = |value: &f64| (self.label)(*value);
        let grid = Ink::Grid.color().stroke_width(1);
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(grid)
            .axis_style(TRANSPARENT)
            .set_all_tick_mark_size(6)
            .label_style(LETTERS.into_font().color(&Ink::Text.color()))
            .x_label_formatter(&time_label)
            .y_label_formatter(&value_label)
            .draw()?;
        for curve in &self.curves {
            let points: Vec<(f64, f64)> = thinned(&curve.points, size.width)
                .into_iter()
                .map(|(at, value)| (seconds(at), value))
                .collect();
            if curve.filled {
                let fill = curve.ink.color().mix(0.25).filled();
                let line = curve.ink.color().stroke_width(1);
                chart.draw_series(AreaSeries::new(points, 0.0, fill).border_style(line))?;
            } else {
                let width = if curve.ink == Ink::Accent { 2 } else { 1 };
                let line = curve.ink.color().stroke_width(width);
                chart.draw_series(std::iter::once(PathElement::new(points, line)))?;
            }
        }
        chart.draw_series(self.marks.iter().map(|mark| {
            let (ink, tip) = if mark.up { (Ink::Up, 1) } else { (Ink::Down, -1) };
            let corners = vec![(0, 3 * tip), (-4, 11 * tip), (4, 11 * tip)];
            EmptyElement::at((seconds(mark.at.0), mark.at.1))
                + Polygon::new(corners, ink.color().filled())
        }))?;
        Ok(())
    }

    /// The drawing with its words for those who do not see it, in the page's own sizes.
    fn with_words(&self, svg: &str, size: Size) -> String {
        let body = svg.split_once('>').map_or("", |(_, body)| body);
        let Size { name, width, height, .. } = size;
        let id = format!("{}-{name}", self.id);
        let head = maud::html! {
            title id={ (id) "-title" } { (self.title) }
            desc id={ (id) "-desc" } { (self.description) }
        };
        format!(
            "<svg class=\"{name}\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
             aria-labelledby=\"{id}-title {id}-desc\" xmlns=\"http://www.w3.org/2000/svg\">{}{body}",
            head.into_string()
        )
    }
}

/// An axis that is marked where we say.
#[derive(Debug)]
struct Axis {
    range: Range<f64>,
    marks: Vec<f64>,
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (low, high): (i32, i32)) -> i32 {
        let part = (value - self.range.start) / (self.range.end - self.range.start);
        let place = f64::from(low) + part * f64::from(high - low);
        #[expect(clippy::cast_possible_truncation, reason = "pixels of a drawing")]
        {
            place.round() as i32
        }
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        self.marks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

/// The ends of both axes.
#[derive(Debug, Clone, Copy)]
struct Frame {
    first: DateTime<Utc>,
    last: DateTime<Utc>,
    low: f64,
    high: f64,
}

impl Frame {
    fn of(chart: &Chart) -> Option<Self> {
        let points = || {
            let of_curves = chart.curves.iter().flat_map(|curve| curve.points.iter());
            of_curves.chain(chart.marks.iter().map(|mark| &mark.at)).filter(|(_, v)| v.is_finite())
        };
        let first = points().map(|(at, _)| *at).min()?;
        let last = points().map(|(at, _)| *at).max()?;
        let mut low = points().map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
        let mut high = points().map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max);
        if chart.curves.iter().any(|curve| curve.filled) {
            (low, high) = (low.min(0.0), high.max(0.0));
        }
        // Room for the line's own width, and for a line that never moves.
        let span = high - low;
        let room = if span > 0.0 { span * 0.04 } else { low.abs().max(1.0) * 0.04 };
        let top = if high <= 0.0 && span > 0.0 { high } else { high + room };
        Some(Self { first, last, low: low - room, high: top })
    }
}

/// At most about four points for each pixel: the first, the least, the greatest and the last of what
/// lies in it, so that no peak is lost.
fn thinned(points: &[Point], width: u32) -> Vec<Point> {
    let columns = usize::try_from(width).unwrap_or(1);
    if points.len() <= columns * 4 {
        return points.to_vec();
    }
    let chunk = points.len().div_ceil(columns);
    let mut kept = Vec::with_capacity(columns * 4);
    for part in points.chunks(chunk) {
        let by_value = |a: &&Point, b: &&Point| a.1.total_cmp(&b.1);
        let mut some: Vec<&Point> =
            [part.first(), part.iter().min_by(by_value), part.iter().max_by(by_value), part.last()]
                .into_iter()
                .flatten()
                .collect();
        some.sort_by_key(|(at, _)| *at);
        some.dedup_by_key(|(at, _)| *at);
        kept.extend(some.into_iter().copied());
    }
    kept
}

/// Seconds since the epoch; exact in a double for all times there are bars of.
fn seconds(at: DateTime<Utc>) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    {
        at.timestamp() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn chart(points: Vec<Point>) -> Chart {
        Chart {
            id: "equity",
            title: "Equity <of> A&B".to_owned(),
            description: "It rose.".to_owned(),
            curves: vec![Curve { ink: Ink::Accent, points, filled: false }],
            marks: vec![],
            label: |value| format!("{value:.0}"),
        }
    }

    #[test]
    fn a_chart_says_what_it_shows_and_is_scaled_by_the_page() {
        let points: Vec<Point> =
            (0..10_i32).map(|i| (at(i64::from(i) * 86_400), f64::from(i))).collect();
        let svg = chart(points).svg(WIDE).unwrap().unwrap();
        assert!(
            svg.starts_with("<svg class=\"wide\" viewBox=\"0 0 1040 320\" role=\"img\""),
            "{svg}"
        );
        assert!(svg.contains("Equity &lt;of&gt; A&amp;B</title>"), "{svg}");
        assert!(svg.contains("#010101") && svg.ends_with("</svg>\n"), "{svg}");
    }

    #[test]
    fn nothing_and_a_single_value_are_no_trouble() {
        assert!(chart(vec![]).svg(WIDE).unwrap().is_none());
        assert!(chart(vec![(at(5), 7.0)]).svg(NARROW).unwrap().is_some());
        assert!(chart(vec![(at(5), f64::NAN)]).svg(NARROW).unwrap().is_none());
    }

    #[test]
    fn thinning_keeps_the_ends_and_the_extremes() {
        let mut points: Vec<Point> = (0..100_000).map(|i| (at(i), 1.0)).collect();
        points[54_321].1 = 99.0;
        points[12_345].1 = -99.0;
        let kept = thinned(&points, 100);
        assert!(kept.len() <= 400, "{}", kept.len());
        assert_eq!((kept[0], kept[kept.len() - 1]), (points[0], points[99_999]));
        assert!(kept.contains(&points[54_321]) && kept.contains(&points[12_345]));
    }
}
