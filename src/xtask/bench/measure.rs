//! Times and memory of whole processes.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::error::{At, Error, Result};

/// Seconds that one call takes, which must succeed.
pub(crate) fn seconds(command: &mut Command) -> Result<f64> {
    let begun = Instant::now();
    let child = start(command)?;
    finish(child, command)?;
    Ok(begun.elapsed().as_secs_f64())
}

/// The median of several calls' seconds.
pub(crate) fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Calls both `rounds` times in turn and returns the medians of their seconds.
pub(crate) fn in_turn(
    rounds: usize,
    mut ours: impl FnMut() -> Result<f64>,
    mut peer: impl FnMut() -> Result<f64>,
) -> Result<(f64, f64)> {
    let (mut one, mut other) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        one.push(ours()?);
        other.push(peer()?);
    }
    Ok((median(&mut one), median(&mut other)))
}

/// The highest resident memory of the process itself, in MB (10^6 bytes). The kernel keeps the
/// peak, so looking now and then loses only what the last moments add.
pub(crate) fn peak_megabytes(command: &mut Command) -> Result<f64> {
    let mut child = start(command)?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0.0;
    while child.try_wait().at(&status)?.is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        peak = high_water_mark(&text).unwrap_or(peak);
        sleep(Duration::from_millis(2));
    }
    finish(child, command)?;
    Ok(peak)
}

/// The peak of resident memory that a `/proc/PID/status` tells, in MB (10^6 bytes).
pub(crate) fn high_water_mark(status: &str) -> Option<f64> {
    megabytes(status, "VmHWM:")
}

/// The resident memory that a `/proc/PID/status` tells, in MB (10^6 bytes).
pub(crate) fn resident(status: &str) -> Option<f64> {
    megabytes(status, "VmRSS:")
}

fn megabytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}

/// A percentile in the values' own unit.
pub(crate) fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = values.len() * percent / 100;
    values
        .get(at.min(values.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

/// Seconds of processor time that a process and what it waited for have used.
pub(crate) fn processor_seconds(process: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    used(&stat)
}

/// The kernel tells hundredths of a second to programs, whatever it counts in.
fn used(stat: &str) -> Option<f64> {
    // The name of the program stands in brackets and may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let ticks = rest.split_whitespace().skip(11).take(4);
    let ticks: f64 = ticks.filter_map(|text| text.parse::<f64>().ok()).sum();
    Some(ticks / 100.0)
}

fn start(command: &mut Command) -> Result<Child> {
    let program = Path::new(command.get_program()).to_owned();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .at(program)
}

fn finish(mut child: Child, command: &Command) -> Result<()> {
    let program = command.get_program();
    let status = child.wait().at(program)?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Unexpected(format!("{command:?} failed ({status})")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_not_a_measurement() {
        assert!(seconds(&mut Command::new("false")).is_err());
        assert!(seconds(&mut Command::new("true")).is_ok());
    }

    #[test]
    fn the_median_ignores_an_outlier() {
        assert!((median(&mut [9.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median(&mut []).is_nan());
    }

    #[test]
    fn memory_is_read_from_the_kernel() {
        assert_eq!(
            high_water_mark("Name:\tx\nVmHWM:\t    1000 kB\n"),
            Some(1.024)
        );
        assert_eq!(resident("VmRSS:\t 500 kB\nVmHWM:\t1 kB\n"), Some(0.512));
        let peak = peak_megabytes(Command::new("sleep").arg("0.1")).unwrap();
        assert!(peak > 0.1, "{peak}");
    }

    #[test]
    fn processor_time_is_read_behind_any_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 0 0 0 0 0 150 50 20 5 20 0 9 0";
        assert_eq!(used(stat), Some(2.25));
        assert!(processor_seconds(std::process::id()).is_some());
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let mut values: Vec<f64> = (1..=200).map(f64::from).collect();
        assert!((percentile(&mut values, 99) - 199.0).abs() < f64::EPSILON);
        assert!((percentile(&mut values[..1], 99) - 1.0).abs() < f64::EPSILON);
    }
}
