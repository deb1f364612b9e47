//! Members by their indices: what they are called, and which of them have come.

/// How many slots a table of names has.
const SLOTS: usize = 64;
/// How many names are in a table at most. Some slots have to stay free, because they end a search.
const IN_TABLE: usize = 48;
/// The index in a free slot.
const FREE: u8 = u8::MAX;
/// In the place of an index: before the first name.
pub(super) const START: usize = IN_TABLE;

/// Names in a list, where in it each of them is found, and in which order QEMU sends them.
///
/// Servers send members in whatever order, so a search has to be quick for all of them. QEMU goes through a hash table, so that
/// what follows a name is known, but for members that are not there.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Names {
    names: &'static [&'static str],
    /// Indices of names, each at its hash or in the next slot that was free.
    slots: [u8; SLOTS],
    /// The index of the name that follows each of them, or [`FREE`]; at [`START`], that of the first.
    following: [u8; START + 1],
}

impl Names {
    /// A table of these names.
    #[allow(clippy::cast_possible_truncation, reason = "there are not that many slots")]
    pub const fn new(names: &'static [&'static str]) -> Self {
        let mut slots = [FREE; SLOTS];
        let mut index = 0;
        while index < names.len() && index < IN_TABLE {
            let mut slot = hash(names[index].as_bytes());
            while slots[slot] != FREE {
                slot = (slot + 1) % SLOTS;
            }
            slots[slot] = index as u8;
            index += 1;
        }
        Self { names, slots, following: following(names) }
    }

    /// The names.
    pub const fn all(&self) -> &'static [&'static str] {
        self.names
    }

    /// Where a name stands in the list.
    #[inline]
    pub fn position(&self, name: &str) -> Option<usize> {
        let mut slot = hash(name.as_bytes());
        loop {
            let index = self.slots[slot % SLOTS];
            match self.names.get(usize::from(index)) {
                Some(known) if index != FREE && *known == name => return Some(usize::from(index)),
                Some(_) if index != FREE => slot += 1,
                _ => return self.beyond_table(name),
            }
        }
    }

    /// The index of the name that QEMU sends after another, and the name. There may be none.
    #[inline]
    pub(super) fn after(&self, index: usize) -> Option<(usize, &'static str)> {
        let next = usize::from(*self.following.get(index)?);
        Some((next, self.names.get(next)?))
    }

    fn beyond_table(&self, name: &str) -> Option<usize> {
        let beyond = self.names.get(IN_TABLE..)?;
        beyond.iter().position(|known| *known == name).map(|index| IN_TABLE + index)
    }
}

/// The slot where the search for a name begins.
#[inline]
const fn hash(name: &[u8]) -> usize {
    match name {
        [] => 0,
        [first, .., last] => {
            let middle = name[name.len() / 2];
            (name.len() + 3 * (*first as usize) + 5 * (middle as usize) + 7 * (*last as usize)) % SLOTS
        }
        [only] => *only as usize % SLOTS,
    }
}

/// For each name the index of the one after it, in the order in which QEMU goes through an object.
#[allow(clippy::cast_possible_truncation, reason = "a table has not that many names")]
const fn following(names: &[&str]) -> [u8; START + 1] {
    let mut places = [(0, 0); IN_TABLE];
    let len = if names.len() < IN_TABLE { names.len() } else { IN_TABLE };
    let mut sorted = 0;
    // Inserts one after the other. QEMU puts a name in front of those that are in its bucket.
    while sorted < len {
        let bucket = bucket(names[sorted].as_bytes());
        let mut at = sorted;
        while at > 0 && places[at - 1].0 >= bucket {
            places[at] = places[at - 1];
            at -= 1;
        }
        places[at] = (bucket, sorted);
        sorted += 1;
    }
    let mut following = [FREE; START + 1];
    let (mut before, mut at) = (START, 0);
    while at < len {
        let (_, index) = places[at];
        following[before] = index as u8;
        before = index;
        at += 1;
    }
    following
}

/// Which of the 512 buckets of QEMU's dictionaries a name is in. They are written bucket by bucket.
#[allow(clippy::cast_possible_truncation, reason = "the hash wraps, too")]
const fn bucket(name: &[u8]) -> u32 {
    let mut hash = 0x238f_13af_u32.wrapping_mul(name.len() as u32);
    let mut index = 0;
    while index < name.len() {
        hash = hash.wrapping_add((name[index] as u32) << (5 * index % 24));
        index += 1;
    }
    hash.wrapping_mul(1_103_515_243).wrapping_add(12_345) % 512
}

/// Which members have come, by index.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// A bit for each of those whose index is below 128.
    first: [u64; 2],
    rest: Vec<usize>,
}

impl Seen {
    /// Returns whether the member has come.
    #[inline]
    pub fn has(&self, index: usize) -> bool {
        match self.first.get(index / 64) {
            Some(bits) => bits & bit(index) != 0,
            None => self.rest.contains(&index),
        }
    }

    /// The first of the names that has not come, of those that are mandatory.
    pub fn first_missing(&self, names: &[&'static str], required: usize, from: usize) -> Option<&'static str> {
        // Nearly all objects are whole and have fewer members than a word has bits.
        let all = bit(required).wrapping_sub(1);
        if from + required < 64 && (self.first[0] >> from) & all == all {
            return None;
        }
        let mandatory = names.get(..required).unwrap_or(names);
        mandatory.iter().enumerate().find(|(index, _)| !self.has(from + index)).map(|(_, name)| *name)
    }

    /// Notes that the member has come. Returns false if it had before.
    #[inline]
    pub(super) fn add(&mut self, index: usize) -> bool {
        if self.has(index) {
            return false;
        }
        match self.first.get_mut(index / 64) {
            Some(bits) => *bits |= bit(index),
            None => self.rest.push(index),
        }
        true
    }
}

/// The bit of an index in its word.
#[inline]
fn bit(index: usize) -> u64 {
    1 << (index % 64)
}

#[cfg(test)]
mod tests {
    use super::{Names, Seen, START};

    #[test]
    fn names_are_found_in_lists_of_any_length() {
        const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        // Slots are claimed by more than one of these.
        for len in [0, 1, 2, 7, 48, 49, 52, 300] {
            let names: Vec<&'static str> = (0..len)
                .map(|index| &*Box::leak(format!("{}{index}", &LETTERS[index % 52..]).into_boxed_str()))
                .collect();
            let table = Names::new(names.clone().leak());
            for (index, name) in names.iter().enumerate() {
                assert_eq!(table.position(name), Some(index), "{name}");
                assert_eq!(table.position(&name[1..]), None, "{name}");
            }
            assert_eq!(table.position(""), None);
        }
        assert_eq!(Names::new(&["", "a"]).position(""), Some(0));
    }

    #[test]
    fn qemu_s_order_is_known() {
        // As QEMU 7.2, 10.0 and 11.1 send them.
        for sent in [
            "device len offset speed type",
            "status singlestep running",
            "hotpluggable-cpus name numa-mem-supported default-cpu-type cpu-max deprecated default-ram-id",
            "iops_rd detect_zeroes image iops_wr ro node-name backing_file_depth drv iops bps_wr write_threshold encrypted bps \
             bps_rd cache file",
        ] {
            let sent: Vec<&str> = sent.split_whitespace().collect();
            // Like a schema, which has `running`, `singlestep`, `status`.
            let mut sorted: Vec<&'static str> = sent.iter().map(|name| &*name.to_string().leak()).collect();
            sorted.sort_unstable();
            let table = Names::new(sorted.leak());
            let mut at = START;
            let order = std::iter::from_fn(|| {
                let (index, name) = table.after(at)?;
                at = index;
                Some(name)
            });
            assert_eq!(order.collect::<Vec<_>>(), sent);
        }
        assert_eq!(Names::new(&[]).after(START), None);
        assert_eq!(Names::new(&["a"]).after(0), None);
    }

    #[test]
    fn members_beyond_the_first_word_are_remembered() {
        let mut seen = Seen::default();
        for index in (0..300).step_by(3) {
            assert!(seen.add(index) && !seen.add(index) && !seen.has(index + 1), "{index}");
        }
        assert!((0..300).all(|index| seen.has(index) == (index % 3 == 0)));
        assert_eq!(seen.first_missing(&["a", "b"], 2, 126), Some("b"));
        assert_eq!(seen.first_missing(&["a", "b"], 1, 129), None);
        assert_eq!(seen.first_missing(&["a", "b"], 2, 128), Some("a"));
    }
}
