//! `##` blocks → [`Doc`].

/// A doc block, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doc {
    /// The definition it belongs to; `None` for a block in free form.
    pub symbol: Option<String>,
    /// What stands before the first member or section.
    pub summary: String,
    /// `@member:` entries, in order.
    pub members: Vec<Entry>,
    /// Entries under `Features:`, in order.
    pub features: Vec<Entry>,
    /// `Returns:`
    pub returns: Option<String>,
    /// `Errors:`
    pub errors: Option<String>,
    /// Release in which it first appeared, such as `2.10`.
    pub since: Option<String>,
    /// Everything else (notes, examples, …), as text.
    pub other: Vec<String>,
}

/// A described member, value or feature.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its description, without the `(since …)` note; may be empty.
    pub text: String,
    /// Release in which it first appeared, where that differs from its definition's.
    pub since: Option<String>,
}
