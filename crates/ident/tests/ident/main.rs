//! What the identifier language promises, checked from outside: recorded and own vectors, properties, robustness.

mod company;
mod corpus;
mod did;
mod ecode;
mod epc;
mod generate;
mod gs1;
mod gs1_links;
mod gs1_shared;
mod lens;
mod oid;
mod own;
mod property;
mod robustness;
mod vectors;
mod written;
