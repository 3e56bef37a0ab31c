//! Times of repeated work.

use cpu_time::ThreadTime;

/// How long this thread was at work, in nanoseconds: what others do on the machine meanwhile is left out, but for what
/// they do to the caches.
pub fn nanoseconds(work: impl FnOnce()) -> f64 {
    let start = ThreadTime::now();
    work();
    start.elapsed().as_secs_f64() * 1e9
}

/// The middle one of some values.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The slope of a straight line through (log x, log y): the exponent of a power law.
pub fn exponent(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let number = logs.iter().map(|_| 1.0).sum::<f64>();
    let (mean_x, mean_y) = (
        logs.iter().map(|point| point.0).sum::<f64>() / number,
        logs.iter().map(|point| point.1).sum::<f64>() / number,
    );
    let covariance: f64 = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    covariance / variance
}
