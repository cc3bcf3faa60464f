//! The deploy engine against a recorded AWS: what it asks for, in which order, and
//! what it never asks for. No network: `script` is the SDK's HTTP client.

mod formation;
mod formation_sets;
mod harness;
mod previous;
mod regions;
mod request;
mod saved;
mod script;
mod xml;

mod artefacts;
mod bootstrapped;
mod change_sets;
mod create;
mod dead_letters;
mod destroy;
mod errors;
mod failures;
mod interruption;
mod invoke;
mod order;
mod paging;
mod stale;
mod stuck;
mod update;
