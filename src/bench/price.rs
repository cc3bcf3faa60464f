//! What calls of a function cost.

use crate::config::LambdaPrices;

/// Cost in US dollars of one call with so much memory that is billed for so long.
pub fn per_call(prices: &LambdaPrices, architecture: &str, memory_mb: f64, billed_ms: f64) -> f64 {
    let second = match architecture {
        "arm64" => prices.arm64_gb_second,
        _ => prices.x86_64_gb_second,
    };
    memory_mb / 1024.0 * billed_ms / 1000.0 * second + prices.million_requests / 1e6
}

/// As [`per_call`], of a million calls.
pub fn per_million(prices: &LambdaPrices, arch: &str, memory_mb: f64, billed_ms: f64) -> f64 {
    per_call(prices, arch, memory_mb, billed_ms) * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_calls_cost_what_the_price_list_says() {
        let prices = LambdaPrices::default();
        // AWS's own example: 1 GB-second and one request.
        let arm = per_million(&prices, "arm64", 1024.0, 1000.0);
        assert!((arm - 13.5334).abs() < 1e-9, "{arm}");
        let x86 = per_million(&prices, "x86_64", 512.0, 100.0);
        assert!((x86 - (0.833_335 + 0.2)).abs() < 1e-9, "{x86}");
    }
}
