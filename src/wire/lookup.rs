//! Finding the members of an object whose type is not known any more: names, indices, and which of them are missing.

use super::members::Seen;
use super::traits::Lookup;

impl dyn Lookup + '_ {
    /// The index of the member of that name, as far as it is known yet: before the tag has come, the members of a
    /// union's branch are not.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.shape().members.position(name).or_else(|| self.find_beyond(name))
    }

    /// The same for what is none of the object's own members: a union's tag, or a member of its branch.
    pub fn find_beyond(&self, name: &str) -> Option<usize> {
        let (mut object, mut from) = (self, 0);
        loop {
            let shape = object.shape();
            let branch = object.branch()?;
            from += shape.members.all().len();
            if name == shape.tag {
                return Some(from);
            }
            from += 1;
            object = branch.lookup()?;
            if let Some(index) = object.shape().members.position(name) {
                return Some(from + index);
            }
        }
    }

    /// The name of the member of that index, empty if there is none.
    pub fn name(&self, index: usize) -> &'static str {
        let (mut object, mut index) = (self, index);
        loop {
            let shape = object.shape();
            match index.checked_sub(shape.members.all().len()) {
                None => return shape.members.all().get(index).copied().unwrap_or_default(),
                Some(0) => return shape.tag,
                Some(past) => index = past - 1,
            }
            match object.branch().and_then(|branch| branch.lookup()) {
                Some(branch) => object = branch,
                None => return "",
            }
        }
    }

    /// The first mandatory member that has not come.
    pub fn missing(&self, seen: &Seen) -> Option<&'static str> {
        let (mut object, mut from) = (self, 0);
        loop {
            let shape = object.shape();
            let missing = seen.first_missing(shape.members.all(), shape.required, from);
            if shape.tag.is_empty() {
                return missing;
            }
            let tag = from + shape.members.all().len();
            if !seen.has(tag) && object.tagged() {
                return Some(shape.tag);
            }
            if missing.is_some() {
                return missing;
            }
            object = object.branch()?.lookup()?;
            from = tag + 1;
        }
    }

    /// All members have come: chooses what a missing tag stands for. Returns whether that made a difference.
    pub fn settle(&mut self, seen: &Seen) -> bool {
        settle(self, seen, 0)
    }
}

/// `from` is the index of this object's first member in `seen`.
fn settle(object: &mut dyn Lookup, seen: &Seen, from: usize) -> bool {
    let shape = object.shape();
    let tag = from + shape.members.all().len();
    let untagged = shape.absent_tag.filter(|_| object.tagged() && !seen.has(tag));
    match (untagged, object.branch_mut()) {
        (Some(value), Some(branch)) => {
            branch.select(value);
            object.untag();
            true
        }
        (_, branch) => {
            branch.and_then(|branch| branch.lookup_mut()).is_some_and(|branch| settle(branch, seen, tag + 1))
        }
    }
}
