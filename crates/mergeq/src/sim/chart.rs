//! A comparison as a picture: a bar for each strategy, the bounds as lines.

use std::fmt::Write as _;

use super::bounds::Bounds;
use super::compare::Row;

const WIDTH: f64 = 860.;
const NAMES: f64 = 120.;
const BARS: f64 = 560.;
const TOP: f64 = 74.;
const LINE: f64 = 34.;
const BAR: f64 = 18.;

/// An SVG picture of what each strategy lands in T, with the interval of the mean. The colours are those of the page.
pub fn chart(title: &str, rows: &[Row], bounds: &Bounds) -> String {
    let most = rows.iter().map(|row| row.landed_per_time.high).fold(bounds.landed_per_time, f64::max);
    let x = |landed: f64| NAMES + landed / most * BARS;
    let bottom = TOP + LINE * f64::from(u32::try_from(rows.len()).unwrap_or(u32::MAX));
    let height = bottom + 56.;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"system-ui, sans-serif\" \
         font-size=\"13\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"16\" y=\"28\" font-size=\"16\" font-weight=\"600\" fill=\"#1f2328\">{}</text>\n\
         <text x=\"16\" y=\"48\" fill=\"#59636e\">landed in T, the time of one run · share of what is possible with its machines · whiskers: 95 % of the mean</text>\n",
        escaped(title)
    );
    bound_line(&mut svg, (x(bounds.landed_per_time), bottom), "the bound");
    if bounds.train < most * 0.9 {
        bound_line(&mut svg, (x(bounds.train), bottom), "any train");
    }
    for (row, y) in rows.iter().zip(std::iter::successors(Some(TOP), |y| Some(y + LINE))) {
        bar(&mut svg, row, y, &x);
    }
    svg.push_str("</svg>\n");
    svg
}

fn bar(svg: &mut String, row: &Row, y: f64, x: &impl Fn(f64) -> f64) {
    let landed = row.landed_per_time;
    let colour = if matches!(row.strategy, "nest" | "adaptive") { "#1a7f37" } else { "#8c959f" };
    let (middle, text) = (y + BAR / 2., y + BAR - 4.);
    let (from, to, low, high) = (x(0.), x(landed.mean), x(landed.low), x(landed.high));
    let _ = write!(
        svg,
        "<text x=\"{:.1}\" y=\"{text:.1}\" text-anchor=\"end\" fill=\"#1f2328\">{}</text>\n\
         <rect x=\"{from:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{BAR}\" rx=\"3\" fill=\"{colour}\"/>\n\
         <path d=\"M{low:.1} {middle:.1}H{high:.1}M{low:.1} {:.1}v8M{high:.1} {:.1}v8\" stroke=\"#1f2328\" fill=\"none\"/>\n\
         <text x=\"{:.1}\" y=\"{text:.1}\" fill=\"#1f2328\" stroke=\"#ffffff\" stroke-width=\"4\" paint-order=\"stroke\">{:.1} · \
         {:.0} %</text>\n",
        NAMES - 10.,
        escaped(row.strategy),
        to - from,
        middle - 4.,
        middle - 4.,
        high + 8.,
        landed.mean,
        row.share_of_bound * 100.,
    );
}

fn bound_line(svg: &mut String, (x, bottom): (f64, f64), what: &str) {
    let _ = write!(
        svg,
        "<path d=\"M{x:.1} {:.1}V{bottom:.1}\" stroke=\"#cf222e\" stroke-dasharray=\"4 3\"/>\n\
         <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#cf222e\">{what}</text>\n",
        TOP - 12.,
        bottom + 20.,
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
