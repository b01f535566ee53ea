//! Section markers that log viewers fold on, as GitLab Runner writes them (runner protocol, section 4.4).

use aqueduct_core::time::Timestamp;

/// Bold cyan, as GitLab Runner's section headers.
const CYAN: &str = "\x1b[36;1m";
/// End of any colour.
const RESET: &str = "\x1b[0;m";
/// Clears the rest of the line: a plain terminal then doesn't show the marker.
const CLEAR: &str = "\x1b[0K";

/// Opens the section `name` under a header line.
pub(crate) fn start(name: &str, header: &str, now: Timestamp) -> String {
    let seconds = now.0 / 1000;
    format!("section_start:{seconds}:{name}\r{CLEAR}{CLEAR}{CYAN}{header}{RESET}\n")
}

/// Closes it.
pub(crate) fn end(name: &str, now: Timestamp) -> String {
    let seconds = now.0 / 1000;
    format!("section_end:{seconds}:{name}\r{CLEAR}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_gitlabs() {
        let now = Timestamp(1_700_000_000_999);
        assert_eq!(
            start("step_script", "Run", now),
            "section_start:1700000000:step_script\r\x1b[0K\x1b[0K\x1b[36;1mRun\x1b[0;m\n"
        );
        assert_eq!(
            end("step_script", now),
            "section_end:1700000000:step_script\r\x1b[0K"
        );
    }
}
