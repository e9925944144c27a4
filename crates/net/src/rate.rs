//! How much one client may ask for: token buckets in a table of fixed size, without locks.
//!
//! A client is an IPv4 address or an IPv6 /56, as that is what one customer gets. Each bucket is one
//! atomic word: the time at which it will be full again (the generic cell rate algorithm). Clients are
//! hashed into the table by a secret key; two that share a slot share its rate, which errs on the safe
//! side and keeps the memory bounded whatever addresses an attacker forges.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ipnet::IpNet;

/// A steady rate with a burst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// Units per second; 0 = unlimited.
    pub per_second: u32,
    /// Units that may come at once after a pause; at least 1 is taken.
    pub burst: u32,
}

/// Rates for each client.
#[derive(Clone, Debug)]
pub struct RateLimits {
    /// Requests per second, over all transports. Over it, UDP requests are dropped and TCP connections
    /// are read more slowly; HTTP is the caller's to refuse.
    pub requests: Rate,
    /// Octets of UDP answers per second, against amplification to forged addresses. Answers over it are
    /// dropped: Handle clients then ask by TCP. An answer larger than the burst never goes by UDP.
    pub udp_octets: Rate,
    /// Networks without limits, also without the limit of connections per client.
    pub exempt: Vec<IpNet>,
    /// Slots of each table (8 octets each), rounded up to a power of two.
    pub slots: usize,
}

impl Default for RateLimits {
    /// No limits; loopback exempt; 65,536 slots.
    fn default() -> RateLimits {
        let loopback = [IpAddr::from([127, 0, 0, 0]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
        let exempt = loopback.into_iter().zip([8, 128]).filter_map(|(ip, bits)| IpNet::new(ip, bits).ok());
        RateLimits { requests: Rate::default(), udp_octets: Rate::default(), exempt: exempt.collect(), slots: 65_536 }
    }
}

/// The rates at work.
#[derive(Debug)]
pub struct RateLimiter {
    requests: Option<Table>,
    udp_octets: Option<Table>,
    exempt: Vec<IpNet>,
    hasher: RandomState,
    start: Instant,
}

impl RateLimiter {
    /// All buckets full.
    pub fn new(limits: RateLimits) -> RateLimiter {
        RateLimiter {
            requests: Table::new(limits.requests, limits.slots),
            udp_octets: Table::new(limits.udp_octets, limits.slots),
            exempt: limits.exempt,
            hasher: RandomState::new(),
            start: Instant::now(),
        }
    }

    /// Takes one request; on refusal, how long until one will be admitted.
    pub fn admit(&self, client: IpAddr, now: Instant) -> Result<(), Duration> {
        self.take(self.requests.as_ref(), client, 1, now)
    }

    /// Takes `octets` of UDP answer; `false` if it is not to be sent.
    pub fn admit_answer(&self, client: IpAddr, octets: usize, now: Instant) -> bool {
        self.take(self.udp_octets.as_ref(), client, octets as u64, now).is_ok()
    }

    /// Whether the client is free of limits.
    pub fn is_exempt(&self, client: IpAddr) -> bool {
        let client = client.to_canonical();
        self.exempt.iter().any(|network| network.contains(&client))
    }

    fn take(&self, table: Option<&Table>, client: IpAddr, units: u64, now: Instant) -> Result<(), Duration> {
        let Some(table) = table else { return Ok(()) };
        if self.is_exempt(client) {
            return Ok(());
        }
        let slot = self.hasher.hash_one(network(client));
        let now = now.saturating_duration_since(self.start).as_nanos() as u64;
        table.take(slot, units, now)
    }
}

/// The network that counts as one client, as a number: an IPv4 address or an IPv6 /56.
pub(crate) fn network(client: IpAddr) -> u64 {
    match client.to_canonical() {
        IpAddr::V4(v4) => (1 << 63) | u64::from(v4.to_bits()),
        IpAddr::V6(v6) => (v6.to_bits() >> 72) as u64,
    }
}

/// Buckets of one rate. Times are nanoseconds since the limiter's start.
#[derive(Debug)]
struct Table {
    /// For each slot, when its bucket will be full again.
    full_at: Box<[AtomicU64]>,
    per_second: u64,
    /// How long an empty bucket takes to fill.
    depth: u64,
}

impl Table {
    fn new(rate: Rate, slots: usize) -> Option<Table> {
        if rate.per_second == 0 {
            return None;
        }
        let slots = slots.clamp(1, 1 << 24).next_power_of_two();
        let mut table = Table {
            full_at: (0..slots).map(|_| AtomicU64::new(0)).collect(),
            per_second: u64::from(rate.per_second),
            depth: 0,
        };
        table.depth = table.nanos(u64::from(rate.burst.max(1)));
        Some(table)
    }

    /// How long the bucket takes to gain `units`.
    fn nanos(&self, units: u64) -> u64 {
        units.saturating_mul(1_000_000_000) / self.per_second
    }

    fn take(&self, hash: u64, units: u64, now: u64) -> Result<(), Duration> {
        // The length is a power of two, so the mask keeps the index inside.
        let slot = &self.full_at[hash as usize & (self.full_at.len() - 1)];
        let cost = self.nanos(units);
        let after = |full_at: u64| full_at.max(now).saturating_add(cost);
        slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full_at| {
            Some(after(full_at)).filter(|after| after - now <= self.depth)
        })
        .map(drop)
        .map_err(|full_at| Duration::from_nanos(after(full_at) - now - self.depth))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn limiter(requests: Rate, udp_octets: Rate) -> RateLimiter {
        RateLimiter::new(RateLimits { requests, udp_octets, ..RateLimits::default() })
    }

    #[test]
    fn admits_the_burst_and_then_the_rate() {
        let limiter = limiter(Rate { per_second: 10, burst: 3 }, Rate::default());
        let now = Instant::now();
        for _ in 0..3 {
            assert_eq!(limiter.admit(CLIENT, now), Ok(()));
        }
        assert_eq!(limiter.admit(CLIENT, now), Err(Duration::from_millis(100)));
        let later = now + Duration::from_millis(100);
        assert_eq!(limiter.admit(CLIENT, later), Ok(()));
        assert_eq!(limiter.admit(CLIENT, later), Err(Duration::from_millis(100)));
        // A long pause earns the burst, not more.
        let much_later = now + Duration::from_secs(60);
        assert_eq!((0..10).filter(|_| limiter.admit(CLIENT, much_later).is_ok()).count(), 3);
    }

    #[test]
    fn counts_octets_of_answers() {
        let limiter = limiter(Rate::default(), Rate { per_second: 1000, burst: 2000 });
        let now = Instant::now();
        assert!(limiter.admit_answer(CLIENT, 1500, now));
        assert!(!limiter.admit_answer(CLIENT, 501, now));
        assert!(limiter.admit_answer(CLIENT, 500, now));
        assert!(!limiter.admit_answer(CLIENT, 2001, now + Duration::from_secs(60)), "larger than the burst");
        assert!(limiter.admit(CLIENT, now).is_ok(), "the other rate is unlimited");
    }

    #[test]
    fn counts_clients_apart_and_networks_together() {
        let limiter = limiter(Rate { per_second: 1, burst: 1 }, Rate::default());
        let now = Instant::now();
        let admitted = |ip: &str| limiter.admit(ip.parse().unwrap(), now).is_ok();
        assert!(admitted("2001:db8:0:100::1"));
        assert!(!admitted("2001:db8:0:1ff::2"), "same /56");
        let others = (0..100u8).filter(|last| admitted(&format!("198.51.100.{last}"))).count();
        assert!(others >= 98, "{others}: a shared slot is rare");
        assert!((0..10).all(|_| admitted("127.0.0.1") && admitted("::1") && admitted("::ffff:127.0.0.1")));
    }

    #[test]
    fn cannot_be_overflowed() {
        let limiter = limiter(Rate { per_second: 1, burst: u32::MAX }, Rate { per_second: 1, burst: u32::MAX });
        let now = Instant::now();
        assert!(!limiter.admit_answer(CLIENT, usize::MAX, now));
        assert!(limiter.admit(CLIENT, now + Duration::from_secs(1 << 34)).is_ok());
    }
}
