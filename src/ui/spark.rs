//! A row of numbers as a line of bars.

/// From lowest to highest.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// One bar for each number, the greatest the highest; nothing for numbers below zero and
/// those that are none.
///
/// ```
/// assert_eq!(platformctl::ui::sparkline(&[0.0, 4.0, 8.0]), "▁▄█");
/// ```
pub fn sparkline(numbers: &[f64]) -> String {
    let most = numbers.iter().copied().filter(|it| it.is_finite()).fold(0.0, f64::max);
    let bar = |number: &f64| {
        let share = if most > 0.0 { number / most } else { 0.0 };
        // At most 7, and 0 for what is no number.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 7")]
        let step = (share * 7.0).clamp(0.0, 7.0) as usize;
        BARS[step.min(7)]
    };
    numbers.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_of_the_greatest() {
        assert_eq!(sparkline(&[]), "");
        assert_eq!(sparkline(&[0.0, 0.0]), "▁▁");
        assert_eq!(sparkline(&[1.0, 7.0, f64::NAN, -3.0, f64::INFINITY]), "▂█▁▁█");
    }
}
