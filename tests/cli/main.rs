//! The command line as people and programs meet it: every test runs the binary in
//! an environment of its own, offline, and looks at exit code, stdout and stderr.

mod arguments;
mod bench;
mod check;
mod check_baseline;
mod check_templates;
mod config;
mod config_values;
mod dead_letters;
mod env;
mod examples;
mod explain;
mod fake;
mod formats;
mod graph;
mod help;
mod init;
mod journals;
mod leases;
mod logins;
mod network;
mod operator_reports;
mod platform_api;
mod runbooks;
mod runs;
mod secrets;
#[path = "../../src/http/fake.rs"]
mod server;
mod synth;
mod tenant_verbs;
mod tenants;
