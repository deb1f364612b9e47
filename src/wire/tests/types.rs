//! A struct, an object that takes any member, an enum, an alternate, a union in a union, and one whose tag came late.

use crate::wire::{
    self, Alternate, Any, AnyMap, Branch, JsonError, Kind, Lookup, Object, Output, Serializer, Text, UnrecognizedBranch,
};

/// `file` and `parts` are mandatory.
#[derive(Clone)]
pub struct Disk {
    pub file: String,
    pub parts: Vec<Disk>,
    pub size: Option<u64>,
    pub ratio: Option<f64>,
    pub ratios: Option<Vec<f64>>,
    pub tones: Option<Vec<Tone>>,
    pub backing: Option<Box<Reference>>,
    pub any: Option<Any>,
}

impl Object for Disk {
    const MEMBERS: &'static [&'static str] = &["file", "parts", "size", "ratio", "ratios", "tones", "backing", "any"];
    const REQUIRED: usize = 2;
    fn blank() -> Self {
        Self {
            file: String::new(),
            parts: Vec::new(),
            size: None,
            ratio: None,
            ratios: None,
            tones: None,
            backing: None,
            any: None,
        }
    }
    fn set(&mut self, index: usize, text: &mut Text<'_>) -> Result<(), JsonError> {
        match index {
            0 => text.put(&mut self.file),
            1 => text.put(&mut self.parts),
            2 => text.put_optional(&mut self.size),
            3 => text.put_optional(&mut self.ratio),
            4 => text.put_optional(&mut self.ratios),
            5 => text.put_optional(&mut self.tones),
            6 => text.put_boxed(&mut self.backing),
            7 => text.put_optional(&mut self.any),
            _ => text.ignore(),
        }
    }
    fn write<O: Output>(&self, out: &mut O) {
        out.member("file", &self.file);
        out.optional("size", &self.size);
        out.optional_number("ratio", &self.ratio);
        out.optional_numbers("ratios", &self.ratios);
        out.optional("tones", &self.tones);
        out.optional("backing", &self.backing);
        out.member("parts", &self.parts);
        out.optional("any", &self.any);
    }
}
wire::object!(Disk);

/// An object with one mandatory member that keeps all others.
macro_rules! extensible {
    ($name:ident, $member:ident) => {
        #[derive(Clone)]
        pub struct $name {
            pub $member: String,
            pub extra: AnyMap,
        }

        impl Object for $name {
            const MEMBERS: &'static [&'static str] = &[stringify!($member)];
            const REQUIRED: usize = 1;
            fn blank() -> Self {
                Self { $member: String::new(), extra: AnyMap::new() }
            }
            fn set(&mut self, index: usize, text: &mut Text<'_>) -> Result<(), JsonError> {
                match index {
                    0 => text.put(&mut self.$member),
                    _ => text.ignore(),
                }
            }
            fn write<O: Output>(&self, out: &mut O) {
                out.member(stringify!($member), &self.$member);
                out.extra(&self.extra);
            }
            wire::extensible!();
        }
        wire::object!($name);
    };
}

extensible!(Device, driver);
extensible!(Host, host);

#[derive(Clone, PartialEq)]
pub enum Tone {
    Low,
    High,
    Unrecognized(Box<str>),
}

impl Tone {
    pub const VALUES: &'static [(&'static str, Self)] = &[("low", Self::Low), ("high-pitched", Self::High)];
}
wire::enumeration!(Tone);

/// No alternative takes a boolean, an array, or a number with a fraction.
#[derive(Clone, PartialEq)]
pub enum Reference {
    Name(String),
    Number(i64),
    None,
    Disk(Disk),
    Unrecognized(Any),
}

impl Alternate for Reference {
    fn choose(kind: Kind, value: &str) -> Result<Self, JsonError> {
        match kind {
            Kind::String => wire::alternative(value).map(Self::Name),
            Kind::Integer => wire::alternative(value).map(Self::Number),
            Kind::Null => Ok(Self::None),
            Kind::Object => wire::alternative(value).map(Self::Disk),
            _ => wire::alternative(value).map(Self::Unrecognized),
        }
    }
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Name(value) => wire::Serialize::serialize(value, serializer),
            Self::Number(value) => wire::Serialize::serialize(value, serializer),
            Self::None => serializer.serialize_unit(),
            Self::Disk(value) => wire::Serialize::serialize(value, serializer),
            Self::Unrecognized(value) => wire::write_unrecognized(value, serializer),
        }
    }
}
wire::alternate!(Reference);

/// The base, less its codec, is the same for all unions: `id`, and perhaps `note`.
macro_rules! union {
    ($name:ident, $tag:literal, $absent:expr, $branch:ident { $($value:literal => $variant:ident $(($ty:ty))?),* }) => {
        #[derive(Clone)]
        pub struct $name {
            pub id: String,
            pub note: Option<String>,
            pub branch: $branch,
            pub tagged: bool,
        }

        impl Object for $name {
            const MEMBERS: &'static [&'static str] = &[concat!($tag, "-id"), concat!($tag, "-note")];
            const REQUIRED: usize = 1;
            const TAG: &'static str = $tag;
            const ABSENT_TAG: Option<&'static str> = $absent;
            fn blank() -> Self {
                let branch = $branch::Unrecognized(UnrecognizedBranch::default());
                Self { id: String::new(), note: None, branch, tagged: true }
            }
            fn set(&mut self, index: usize, text: &mut Text<'_>) -> Result<(), JsonError> {
                match index {
                    0 => text.put(&mut self.id),
                    1 => text.put_optional(&mut self.note),
                    _ => wire::set_in_branch(&mut self.branch, index - 2, text),
                }
            }
            fn write<O: Output>(&self, out: &mut O) {
                wire::write_tag(self, out);
                out.member(concat!($tag, "-id"), &self.id);
                out.optional(concat!($tag, "-note"), &self.note);
                self.branch.write(out);
            }
            fn branch(&self) -> Option<&dyn Branch> {
                Some(&self.branch)
            }
            fn branch_mut(&mut self) -> Option<&mut dyn Branch> {
                Some(&mut self.branch)
            }
            fn tagged(&self) -> bool {
                self.tagged
            }
            fn untag(&mut self) {
                self.tagged = false;
            }
        }
        wire::object!($name);

        #[derive(Clone)]
        pub enum $branch {
            $($variant $(($ty))?,)*
            Unrecognized(UnrecognizedBranch),
        }

        impl Branch for $branch {
            fn select(&mut self, tag: &str) {
                *self = match tag {
                    $($value => union!(@blank $variant $($ty)?),)*
                    _ => Self::Unrecognized(UnrecognizedBranch::new(tag)),
                };
            }
            fn tag(&self) -> &str {
                match self {
                    $(Self::$variant { .. } => $value,)*
                    Self::Unrecognized(branch) => &branch.tag,
                }
            }
            fn lookup(&self) -> Option<&dyn Lookup> {
                match self {
                    $($(Self::$variant(branch) => Some(branch as &$ty),)?)*
                    Self::Unrecognized(branch) => Some(branch),
                    #[allow(unreachable_patterns, reason = "not every union has a branch without members")]
                    _ => None,
                }
            }
            fn lookup_mut(&mut self) -> Option<&mut dyn Lookup> {
                match self {
                    $($(Self::$variant(branch) => Some(branch as &mut $ty),)?)*
                    Self::Unrecognized(branch) => Some(branch),
                    #[allow(unreachable_patterns, reason = "as above")]
                    _ => None,
                }
            }
            fn write<O: Output>(&self, out: &mut O) {
                match self {
                    $($(Self::$variant(branch) => <$ty as Object>::write(branch, out),)?)*
                    Self::Unrecognized(branch) => branch.write(out),
                    #[allow(unreachable_patterns, reason = "as above")]
                    _ => {}
                }
            }
        }
        wire::branch!($branch);
    };
    (@blank $variant:ident) => { Self::$variant };
    (@blank $variant:ident $ty:ty) => { Self::$variant(<$ty as Object>::blank()) };
}

union!(Outer, "driver", None, OuterBranch { "none" => None, "disk" => Disk(Disk), "net" => Net(Inner) });
union!(Inner, "transport", None, InnerBranch { "local" => Local, "tcp" => Tcp(Host) });
union!(Late, "type", Some("disk"), LateBranch { "disk" => Disk(Disk), "none" => None, "late" => Late(Later) });
union!(Later, "kind", Some("plain"), LaterBranch { "plain" => Plain(Disk) });
