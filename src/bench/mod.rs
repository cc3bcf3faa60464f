//! Measures what is deployed.
//!
//! A [`Plan`](plan::Plan) of phases is carried out by an [`Executor`](executor::Executor);
//! every phase leaves samples in a [`Run`](result::Run), which is written after each of them,
//! so that nothing that was measured is lost. [`stats`] makes numbers with intervals of them,
//! [`criteria`] says which limit was missed, [`compare`] whether two runs differ, and
//! [`export`] writes reports, one format a file. Nothing here prints.

pub mod compare;
pub mod criteria;
pub mod digest;
pub mod efs;
pub mod executor;
pub mod export;
pub mod lambda;
pub mod plan;
pub mod price;
pub mod report_line;
pub mod result;
pub mod sample;
pub mod simulate;
pub mod stats;
pub mod suite;
pub mod sweep;
#[cfg(test)]
mod tests;
