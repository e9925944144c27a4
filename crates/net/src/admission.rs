//! Who may open one more connection: the total and each client are bounded.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use crate::context::Context;
use crate::counters;
use crate::rate::network;

/// The open connections of one server.
#[derive(Debug)]
pub(crate) struct Admission {
    context: Arc<Context>,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    /// Connections of each client that is not exempt.
    clients: HashMap<u64, usize>,
}

impl Admission {
    pub fn new(context: Arc<Context>) -> Arc<Admission> {
        Arc::new(Admission { context, open: Mutex::default() })
    }

    /// A place for one connection of `client`, until the ticket is dropped; `None` at a limit.
    pub fn admit(self: &Arc<Admission>, client: IpAddr) -> Option<Ticket> {
        let Context { limits, counters, rate, .. } = &*self.context;
        let client = (!rate.is_exempt(client)).then(|| network(client));
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let of_client = client.and_then(|client| open.clients.get(&client)).copied().unwrap_or(0);
        if open.total >= limits.connections || of_client >= limits.connections_per_peer {
            counters::add(&counters.connections_refused, 1);
            return None;
        }
        open.total += 1;
        if let Some(client) = client {
            open.clients.insert(client, of_client + 1);
        }
        counters::add(&counters.connections_accepted, 1);
        counters::add(&counters.connections_open, 1);
        Some(Ticket { admission: Arc::clone(self), client })
    }
}

/// A place among the open connections.
#[derive(Debug)]
pub(crate) struct Ticket {
    admission: Arc<Admission>,
    client: Option<u64>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut open = self.admission.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total -= 1;
        if let Some(client) = self.client
            && let Entry::Occupied(mut count) = open.clients.entry(client)
        {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        self.admission.context.counters.connections_open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Limits, RateLimits, Shutdown};

    #[test]
    fn bounds_the_total_and_each_client() {
        let limits = Limits { connections: 5, connections_per_peer: 2, ..Limits::default() };
        let context = Context::new(limits, RateLimits::default(), Shutdown::new(Duration::ZERO));
        let admission = Admission::new(Arc::clone(&context));
        let admit = |ip: &str| admission.admit(ip.parse().unwrap());
        let first = admit("192.0.2.1").unwrap();
        let _second = admit("192.0.2.1").unwrap();
        assert!(admit("192.0.2.1").is_none());
        drop(first);
        let _first = admit("192.0.2.1").unwrap();
        let _exempt: Vec<_> = (0..3).map(|_| admit("127.0.0.1").unwrap()).collect();
        assert!(admit("192.0.2.2").is_none(), "the total is reached");
        assert_eq!(context.counters.connections_open.load(Ordering::Relaxed), 5);
        assert_eq!(context.counters.connections_refused.load(Ordering::Relaxed), 2);
        drop(_exempt);
        drop((_first, _second));
        assert_eq!(context.counters.connections_open.load(Ordering::Relaxed), 0);
        assert!(admission.open.lock().unwrap().clients.is_empty());
    }
}
