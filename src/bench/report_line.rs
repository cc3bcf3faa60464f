//! The line that Lambda reports at the end of each invocation's log
//! (<https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html>), such as
//! `REPORT RequestId: 1 Duration: 2.05 ms Billed Duration: 3 ms Memory Size: 512 MB Max Memory
//! Used: 30 MB Init Duration: 21.40 ms`, with tabs between its parts.

use super::sample::Inside;

/// What the last such line of a log says; nothing when there is none.
pub fn read(log: &str) -> Inside {
    let Some(line) = log.lines().rev().find(|line| line.starts_with("REPORT ")) else {
        return Inside::default();
    };
    let part = |name: &str, unit: &str| {
        let mut parts = line.split('\t').map(str::trim);
        let value = parts.find_map(|part| part.strip_prefix(name))?;
        let number = value.strip_prefix(": ")?.strip_suffix(unit)?.trim();
        number.parse().ok().filter(|number: &f64| number.is_finite())
    };
    Inside {
        duration_ms: part("Duration", "ms"),
        billed_ms: part("Billed Duration", "ms"),
        init_ms: part("Init Duration", "ms"),
        memory_mb: part("Max Memory Used", "MB"),
        ..Inside::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_report_of_a_log_is_read() {
        let log = "START RequestId: a Version: $LATEST\n{\"message\":\"REPORT x\"}\n\
            REPORT RequestId: a\tDuration: 9.99 ms\tBilled Duration: 10 ms\n\
            END RequestId: b\nREPORT RequestId: b\tDuration: 2.05 ms\tBilled Duration: 24 ms\t\
            Memory Size: 512 MB\tMax Memory Used: 30 MB\tInit Duration: 21.40 ms\t\n\
            XRAY TraceId: 1-5b-0\tSegmentId: 0\tSampled: true\n";
        let inside = read(log);
        assert_eq!((inside.duration_ms, inside.billed_ms), (Some(2.05), Some(24.0)));
        assert_eq!((inside.init_ms, inside.memory_mb), (Some(21.4), Some(30.0)));
        let warm = read("REPORT RequestId: b\tDuration: 2 ms\tMax Memory Used: 30 MB\n");
        assert_eq!((warm.duration_ms, warm.init_ms), (Some(2.0), None));
        assert_eq!(read("nothing here"), Inside::default());
        assert_eq!(read("REPORT Duration: ms\tDuration: NaN ms"), Inside::default());
    }
}
