//! Members by their indices: what they are called, and which of them have come.

/// How many slots a table of names has.
const SLOTS: usize = 64;
/// How many names are in a table at most. Some slots have to stay free, because they end a search.
const IN_TABLE: usize = 48;
/// The index in a free slot.
const FREE: u8 = u8::MAX;

/// Names in a list, and where in it each of them is found.
///
/// Servers send members in whatever order, so a search has to be quick for all of them.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Names {
    names: &'static [&'static str],
    /// Indices of names, each at its hash or in the next slot that was free.
    slots: [u8; SLOTS],
}

impl Names {
    /// A table of these names.
    pub const fn new(names: &'static [&'static str]) -> Self {
        let mut slots = [FREE; SLOTS];
        let mut index = 0;
        while index < names.len() && index < IN_TABLE {
            let mut slot = hash(names[index].as_bytes());
            while slots[slot] != FREE {
                slot = (slot + 1) % SLOTS;
            }
            #[allow(clippy::cast_possible_truncation, reason = "there are not that many slots")]
            {
                slots[slot] = index as u8;
            }
            index += 1;
        }
        Self { names, slots }
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
    use super::{Names, Seen};

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
