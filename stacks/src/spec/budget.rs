//! Inputs of the budget stack.

/// The monthly cost budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetSpec {
    /// Limit in US dollars a month. Default 50.
    pub monthly_usd: u32,
    /// Who is mailed, up to 10 addresses. None: the budget only shows in the console.
    pub emails: Vec<String>,
    /// Percentages of the limit at which actual cost is announced. Default 50, 80, 100.
    pub actual_thresholds: Vec<u32>,
    /// Percentages of the limit at which forecast cost is announced. Default 100.
    pub forecast_thresholds: Vec<u32>,
}

impl Default for BudgetSpec {
    fn default() -> Self {
        Self {
            monthly_usd: 50,
            emails: Vec::new(),
            actual_thresholds: vec![50, 80, 100],
            forecast_thresholds: vec![100],
        }
    }
}
