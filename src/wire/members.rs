//! Members by their indices: what they are called, and which of them have come.

/// Where a name stands in a list of them.
pub fn position(names: &[&str], name: &str) -> Option<usize> {
    names.iter().position(|known| *known == name)
}

/// Which members have come, by index.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    first: u128,
    rest: Vec<usize>,
}

impl Seen {
    /// Returns whether the member has come.
    pub fn has(&self, index: usize) -> bool {
        if index < 128 {
            self.first & (1 << index) != 0
        } else {
            self.rest.contains(&index)
        }
    }

    /// The first of the names that has not come, of those that are mandatory.
    pub fn first_missing(&self, names: &[&'static str], required: usize, from: usize) -> Option<&'static str> {
        let mandatory = names.get(..required).unwrap_or(names);
        for (index, name) in mandatory.iter().enumerate() {
            if !self.has(from + index) {
                return Some(name);
            }
        }
        None
    }

    /// Notes that the member has come. Returns false if it had before.
    pub(super) fn add(&mut self, index: usize) -> bool {
        if self.has(index) {
            return false;
        }
        if index < 128 {
            self.first |= 1 << index;
        } else {
            self.rest.push(index);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Seen;

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
