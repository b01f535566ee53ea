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
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
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
        let peak = peak_megabytes(Command::new("sleep").arg("0.1")).unwrap();
        assert!(peak > 0.1, "{peak}");
    }
}
