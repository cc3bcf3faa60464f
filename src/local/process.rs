//! Recognising and ending processes, without ever touching a stranger's.

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::{Pid, Signal};

/// Whether `pid` is the process that was started with `mark` on its command
/// line. A pid alone proves nothing: it may have been given out again.
pub(crate) fn is_marked(pid: u32, mark: &str) -> bool {
    command_line(pid).is_some_and(|line| line.contains(mark))
}

fn command_line(pid: u32) -> Option<String> {
    if cfg!(target_os = "linux") {
        let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        return Some(String::from_utf8_lossy(&bytes).replace('\0', " "));
    }
    ps(pid, "command=")
}

/// When a process started, in the words of the system. The launcher's
/// `workers.py` writes the same text.
fn started(pid: u32) -> Option<String> {
    if cfg!(target_os = "linux") {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The command's name may contain spaces and brackets.
        let (_, fields) = stat.rsplit_once(')')?;
        return fields.split_whitespace().nth(19).map(str::to_owned);
    }
    ps(pid, "lstart=")
}

fn ps(pid: u32, field: &str) -> Option<String> {
    let output = Command::new("ps")
        .args(["-o", field, "-p", &pid.to_string()])
        // The text is compared with what another process got.
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

fn pid(number: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(number).ok()?)
}

/// Asks a process to end.
pub(crate) fn terminate(number: u32) {
    if let Some(pid) = pid(number) {
        // It may have ended meanwhile, which is what was asked for.
        let _ = rustix::process::kill_process(pid, Signal::TERM);
    }
}

/// Ends a process and its group at once.
pub(crate) fn kill_group(leader: u32) {
    if let Some(pid) = pid(leader) {
        let _ = rustix::process::kill_process_group(pid, Signal::KILL);
    }
}

/// Ends the Lambda processes that an emulator left behind: each file in
/// `records` is named after a pid and holds when that process started.
pub(crate) fn end_recorded(records: &Path) {
    for entry in fs::read_dir(records).into_iter().flatten().flatten() {
        let stamp = fs::read_to_string(entry.path()).unwrap_or_default();
        let number = entry.file_name().to_string_lossy().parse().ok();
        if let Some(number) = number
            && !stamp.is_empty()
            && started(number).is_some_and(|now| now == stamp.trim())
            && let Some(pid) = pid(number)
        {
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
        let _ = fs::remove_file(entry.path());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process to work on; it holds none of the test's own streams open.
    fn sleeper() -> std::process::Child {
        use std::process::Stdio;
        let mut command = Command::new("sleep");
        command.arg("97").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        // The system shows a new process before it shows its command line.
        while command_line(child.id()).is_none_or(|line| line.trim().is_empty()) {
            std::thread::yield_now();
        }
        child
    }

    #[test]
    fn a_process_is_known_by_its_command_line() {
        let mut child = sleeper();
        assert!(is_marked(child.id(), "sleep 97"));
        assert!(!is_marked(child.id(), "another-mark"));
        child.kill().unwrap();
        // A zombie is not ours any more, nor is nothing.
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(!is_marked(child.id(), "sleep 97"));
        child.wait().unwrap();
        assert!(!is_marked(child.id(), "sleep 97"));
    }

    #[test]
    fn only_the_recorded_process_is_ended() {
        let records = tempfile::tempdir().unwrap();
        let (mut ours, mut stranger) = (sleeper(), sleeper());
        let file = |child: &std::process::Child| records.path().join(child.id().to_string());
        fs::write(file(&ours), started(ours.id()).unwrap()).unwrap();
        fs::write(file(&stranger), "another time").unwrap();
        end_recorded(records.path());
        assert!(!ours.wait().unwrap().success());
        assert!(stranger.try_wait().unwrap().is_none());
        stranger.kill().unwrap();
        stranger.wait().unwrap();
        assert_eq!(fs::read_dir(records.path()).unwrap().count(), 0);
    }
}
