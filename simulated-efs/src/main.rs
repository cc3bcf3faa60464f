//! The `simulated-efs` program: mounts a folder until it is told to end.

#![forbid(unsafe_code)]

use std::{
    error::Error,
    ffi::OsString,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use simulated_efs::{Cache, Counts, Profile, trace};

/// Show a folder through a file system with the latency and caching of Amazon EFS
///
/// Prints "mounted" once the mount can be used, ends and unmounts on Ctrl-C or SIGTERM, and
/// then prints what it was asked for as JSON. SIGUSR1 prints the counts so far.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:
  simulated-efs /srv/backing /mnt/efs --profile efs-regional
  simulated-efs /srv/backing /mnt/efs --profile none --counts counts.json
  simulated-efs --trace /srv/backing -- git -C /srv/backing/repo log"
)]
struct Arguments {
    /// The folder that is shown
    backing: Option<PathBuf>,
    /// The empty folder at which it is shown
    mount: Option<PathBuf>,
    /// How long a round trip takes: efs-regional, efs-one-zone, none
    #[arg(long, default_value = "efs-regional")]
    profile: Profile,
    /// What the client remembers: nfs, none
    #[arg(long, default_value = "nfs")]
    cache: Cache,
    /// Write the counts to this file, not to the terminal
    #[arg(long, value_name = "FILE")]
    counts: Option<PathBuf>,
    /// Mount nothing; run COMMAND and count its system calls on what is in FOLDER with strace
    #[arg(long, value_name = "FOLDER", requires = "command", conflicts_with_all = ["backing", "mount"])]
    trace: Option<PathBuf>,
    /// The command to count the system calls of
    #[arg(last = true, requires = "trace")]
    command: Vec<OsString>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            let mut errors = io::stderr().lock();
            let _ = writeln!(errors, "error: {error}");
            if matches!(error.downcast_ref(), Some(simulated_efs::Error::Unavailable { .. })) {
                let hint = "--trace FOLDER -- COMMAND counts system calls without a mount";
                let _ = writeln!(errors, "hint: {hint}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    if let Some(folder) = &arguments.trace {
        return count(folder, &arguments.command, arguments.counts.as_deref());
    }
    let (Some(backing), Some(mount)) = (&arguments.backing, &arguments.mount) else {
        return Err("BACKING and MOUNT are needed: see --help".into());
    };
    serve(backing, mount, arguments)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(target_os = "linux")]
fn serve(backing: &Path, mount: &Path, arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    use signal_hook::{
        consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1},
        iterator::Signals,
    };

    // Before the mount is there, so that no signal leaves it behind.
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM, SIGUSR1])?;
    let mounted =
        simulated_efs::SimulatedEfs::mount(backing, mount, arguments.profile, arguments.cache)?;
    writeln!(io::stdout(), "mounted {}", mounted.path().display())?;
    for signal in signals.forever() {
        if signal != SIGUSR1 {
            break;
        }
        report(&mounted.counts(), arguments.counts.as_deref())?;
    }
    let counts = mounted.counts();
    mounted.unmount()?;
    report(&counts, arguments.counts.as_deref())
}

#[cfg(not(target_os = "linux"))]
fn serve(backing: &Path, mount: &Path, arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    simulated_efs::SimulatedEfs::mount(backing, mount, arguments.profile, arguments.cache)?;
    Ok(())
}

fn count(
    folder: &Path,
    command: &[OsString],
    counts: Option<&Path>,
) -> Result<ExitCode, Box<dyn Error>> {
    let output = std::env::temp_dir().join(format!("simulated-efs-{}.trace", std::process::id()));
    let counted = trace::count(folder, &output, command);
    // There is none if strace did not start.
    let _ = fs::remove_file(&output);
    let (status, counted) = counted?;
    report(&counted, counts)?;
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok(ExitCode::from(code))
}

/// Writes the counts to the file, in one piece, or as a line to the terminal.
fn report(counts: &Counts, file: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let json = serde_json::to_string(counts)?;
    match file {
        Some(file) => {
            let part = file.with_extension("part");
            fs::write(&part, json + "\n")
                .and_then(|()| fs::rename(&part, file))
                .map_err(|error| format!("{}: failed to write: {error}", file.display()))?;
        }
        None => writeln!(io::stdout(), "{json}")?,
    }
    Ok(())
}
