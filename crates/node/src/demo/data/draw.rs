//! Numbers and months: what looks drawn by lot, but is the same at every call.

/// A stream of numbers that follows from what it was started with (SplitMix64, seeded by FNV-1a).
pub struct Draw(u64);

impl Draw {
    /// The stream of the record number `ordinal` among its `kind`.
    pub fn of(kind: &str, ordinal: u32) -> Self {
        let octets = kind.bytes().chain(ordinal.to_be_bytes());
        Draw(
            octets
                .fold(0xCBF2_9CE4_8422_2325, |state, octet| (state ^ u64::from(octet)).wrapping_mul(0x0100_0000_01B3)),
        )
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from `least` to `most`, both included.
    pub fn between(&mut self, least: u32, most: u32) -> u32 {
        let span = u64::from(most - least) + 1;
        least + (self.next() % span) as u32
    }

    /// A number from `least` to `most`, written with `places` decimals: 331 with three is `0.331`.
    pub fn decimal(&mut self, least: u32, most: u32, places: u32) -> String {
        decimal(self.between(least, most), places)
    }

    pub fn chance(&mut self, percent: u32) -> bool {
        self.between(1, 100) <= percent
    }

    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.next() as usize % list.len()]
    }

    /// In the form of a SHA-256 digest; no file stands behind it.
    pub fn digest(&mut self) -> String {
        (0..4).map(|_| format!("{:016x}", self.next())).collect()
    }
}

/// Writes `number` with its last `places` digits behind the point.
pub fn decimal(number: u32, places: u32) -> String {
    let unit = 10u32.pow(places);
    format!("{}.{:0width$}", number / unit, number % unit, width = places as usize)
}

/// A month of production, 2021-01 to 2026-10.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month(u32);

impl Month {
    pub fn all() -> impl Iterator<Item = Month> + Send {
        (0..70).map(Month)
    }

    pub fn ordinal(self) -> u32 {
        self.0
    }

    pub fn year(self) -> u32 {
        2021 + self.0 / 12
    }

    /// Whether things of this month may still be on their way.
    pub fn recent(self) -> bool {
        self.year() == 2026
    }

    /// As it stands in numbers: `2106` for June 2021.
    pub fn code(self) -> String {
        format!("{:02}{:02}", self.year() % 100, self.0 % 12 + 1)
    }

    /// A day of the month, 1 to 28.
    pub fn day(self, day: u32) -> String {
        format!("{}-{:02}-{:02}", self.year(), self.0 % 12 + 1, day.clamp(1, 28))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_repeat_and_stay_within_their_bounds() {
        let all = |kind| (0..200).map(|n| Draw::of(kind, n).between(3, 9)).collect::<Vec<_>>();
        assert_eq!(all("a"), all("a"));
        assert_ne!(all("a"), all("b"));
        assert!((3..=9).all(|wanted| all("a").contains(&wanted)) && all("a").iter().all(|n| (3..=9).contains(n)));
        assert_eq!((decimal(331, 3), decimal(1005, 1)), ("0.331".into(), "100.5".into()));
        assert_eq!(Draw::of("a", 1).digest().len(), 64);
    }

    #[test]
    fn months_run_from_2021_to_2026() {
        let days: Vec<_> = Month::all().map(|month| month.day(9)).collect();
        assert_eq!((days[0].as_str(), days[69].as_str()), ("2021-01-09", "2026-10-09"));
        assert_eq!(Month(5).code(), "2106");
    }
}
