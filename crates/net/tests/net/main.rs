//! The sockets against an echo service: UDP, TCP, HTTP and the asking side.

mod dial;
mod dns;
mod echo;
mod http;
mod tcp;
mod udp;
