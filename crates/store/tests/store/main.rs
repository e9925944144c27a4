//! The store from outside: one suite for every store, a model, crashes, a full disk, backups.

mod backup;
mod conformance;
mod crash;
mod disk;
mod full;
mod model;
mod support;
