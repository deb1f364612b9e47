//! The parts of a schema, to walk through from the outside inwards: commands and events, members, types, values.
//!
//! Introspection has no names of types, so that a type is only found where it is used. Lists and alternates are looked through:
//! who asks for a member of a list of objects means that of its elements.

use super::schema::Schema;
use crate::qmp::types::{
    JSONType, SchemaInfo, SchemaInfoBranch, SchemaInfoCommand, SchemaInfoEvent, SchemaInfoObject,
    SchemaInfoObjectMember,
};

/// How many lists are looked through that lie in each other. QAPI has no more than one.
const DEPTH: usize = 4;

/// A command that a QEMU has.
#[derive(Clone, Copy)]
pub struct SchemaCommand<'s> {
    schema: &'s Schema,
    info: &'s SchemaInfo,
    command: &'s SchemaInfoCommand,
}

/// An event that a QEMU emits.
#[derive(Clone, Copy)]
pub struct SchemaEvent<'s> {
    schema: &'s Schema,
    info: &'s SchemaInfo,
    event: &'s SchemaInfoEvent,
}

/// A member of an object: an argument of a command, a member of what it returns or an event tells, or of an object in these.
#[derive(Clone, Copy)]
pub struct SchemaMember<'s> {
    schema: &'s Schema,
    info: &'s SchemaInfoObjectMember,
}

/// The kinds of value: the arguments of a command as a whole, what it returns, or the value of a member.
#[derive(Clone, Copy)]
pub struct SchemaType<'s> {
    schema: &'s Schema,
    /// None if QEMU refers to a type that it does not list.
    info: Option<&'s SchemaInfo>,
}

/// A value that a member of an enum can have.
#[derive(Clone, Copy)]
pub struct SchemaValue<'s> {
    name: &'s str,
    features: &'s [String],
    member: SchemaMember<'s>,
}

/// The methods of what has features.
macro_rules! features {
    ($node:ident, $this:ident => $features:expr) => {
        impl<'s> $node<'s> {
            /// Markers for what it can do beyond what its type tells, such as `allow-write-only-overlay`.
            #[inline]
            pub fn features(&self) -> &'s [String] {
                let $this = self;
                $features
            }

            /// Returns whether it has this feature.
            #[inline]
            pub fn has_feature(&self, name: &str) -> bool {
                self.features().iter().any(|feature| feature == name)
            }

            /// Returns whether it is to be removed in a later release: the feature `deprecated`. Many are marked only by releases
            /// after those that deprecated them.
            #[inline]
            pub fn is_deprecated(&self) -> bool {
                self.has_feature("deprecated")
            }

            /// Returns whether it may change in any release: the feature `unstable`. QEMU has it since 6.2.
            #[inline]
            pub fn is_unstable(&self) -> bool {
                self.has_feature("unstable")
            }
        }
    };
}

features!(SchemaCommand, this => this.info.features.as_deref().unwrap_or_default());
features!(SchemaEvent, this => this.info.features.as_deref().unwrap_or_default());
features!(SchemaMember, this => this.info.features.as_deref().unwrap_or_default());
features!(SchemaValue, this => this.features);
features!(SchemaType, this => this.info.and_then(|info| info.features.as_deref()).unwrap_or_default());

impl<'s> SchemaCommand<'s> {
    #[inline]
    pub(super) fn new(schema: &'s Schema, info: &'s SchemaInfo) -> Option<Self> {
        match &info.branch {
            SchemaInfoBranch::Command(command) => Some(SchemaCommand { schema, info, command }),
            _ => None,
        }
    }

    /// Its name.
    #[inline]
    pub fn name(&self) -> &'s str {
        &self.info.name
    }

    /// Its arguments, as one object.
    #[inline]
    pub fn arguments(&self) -> SchemaType<'s> {
        SchemaType::new(self.schema, &self.command.arg_type)
    }

    /// One of its arguments, by name; `None` if it has none of this name, or only in a [branch](SchemaType::branch).
    #[inline]
    pub fn argument(&self, name: &str) -> Option<SchemaMember<'s>> {
        self.arguments().member(name)
    }

    /// The value that it returns.
    #[inline]
    pub fn returned(&self) -> SchemaType<'s> {
        SchemaType::new(self.schema, &self.command.ret_type)
    }

    /// Returns whether it may be executed out-of-band.
    #[inline]
    pub fn allows_oob(&self) -> bool {
        self.command.allow_oob == Some(true)
    }
}

impl<'s> SchemaEvent<'s> {
    #[inline]
    pub(super) fn new(schema: &'s Schema, info: &'s SchemaInfo) -> Option<Self> {
        match &info.branch {
            SchemaInfoBranch::Event(event) => Some(SchemaEvent { schema, info, event }),
            _ => None,
        }
    }

    /// Its name.
    #[inline]
    pub fn name(&self) -> &'s str {
        &self.info.name
    }

    /// Its data, as one object.
    #[inline]
    pub fn data(&self) -> SchemaType<'s> {
        SchemaType::new(self.schema, &self.event.arg_type)
    }

    /// A member of what it tells, by name.
    #[inline]
    pub fn member(&self, name: &str) -> Option<SchemaMember<'s>> {
        self.data().member(name)
    }
}

impl<'s> SchemaMember<'s> {
    /// The member of this name that an object has itself, without its branches.
    #[inline]
    pub(super) fn of(schema: &'s Schema, object: &'s SchemaInfoObject, name: &str) -> Option<Self> {
        object.members.iter().find(|member| member.name == name).map(|member| SchemaMember::new(schema, member))
    }

    #[inline]
    pub(super) fn new(schema: &'s Schema, info: &'s SchemaInfoObjectMember) -> Self {
        SchemaMember { schema, info }
    }

    /// Its name.
    #[inline]
    pub fn name(&self) -> &'s str {
        &self.info.name
    }

    /// Returns whether it may be absent.
    #[inline]
    pub fn is_optional(&self) -> bool {
        self.info.default.is_some()
    }

    /// The values that it can have.
    #[inline]
    pub fn ty(&self) -> SchemaType<'s> {
        SchemaType::new(self.schema, &self.info.type_)
    }

    /// A member of the object that its value is: [`SchemaType::member`] of its type.
    #[inline]
    pub fn member(&self, name: &str) -> Option<SchemaMember<'s>> {
        self.ty().member(name)
    }

    /// The members that the object has which its value is, if its tag has this value: [`SchemaType::branch`] of its type.
    #[inline]
    pub fn branch(&self, value: &str) -> Option<SchemaType<'s>> {
        self.ty().branch(value)
    }

    /// A value of the enum that its value is of; `None` if there is none of this name, or if it is of no enum.
    #[inline]
    pub fn value(&self, name: &str) -> Option<SchemaValue<'s>> {
        self.values().find(|value| value.name == name)
    }

    /// Returns whether its value can be this value of an enum.
    #[inline]
    pub fn has_value(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// The values of the enum that its value is of; none if it is of no enum.
    #[inline]
    pub fn values(&self) -> impl Iterator<Item = SchemaValue<'s>> {
        let member = *self;
        let found = self.ty().find(|branch| match branch {
            SchemaInfoBranch::Enum(found) => Some(found),
            _ => None,
        });
        // Releases before 6.2 list their names alone, and those after 6.2 may cease to.
        #[allow(deprecated)]
        let (members, names) = match found.map(|found| (found.members.as_deref(), &*found.values)) {
            Some((Some(members), _)) => (members, &[] as &[String]),
            Some((None, names)) => (&[] as &[_], names),
            None => (&[] as &[_], &[] as &[String]),
        };
        let members = members.iter().map(|value| (&*value.name, value.features.as_deref().unwrap_or_default()));
        let names = names.iter().map(|name| (&**name, &[] as &[String]));
        members.chain(names).map(move |(name, features)| SchemaValue { name, features, member })
    }
}

impl<'s> SchemaValue<'s> {
    /// Its name.
    #[inline]
    pub fn name(&self) -> &'s str {
        self.name
    }

    /// The member that can have it.
    #[inline]
    pub fn member(&self) -> SchemaMember<'s> {
        self.member
    }
}

impl<'s> SchemaType<'s> {
    #[inline]
    pub(super) fn new(schema: &'s Schema, name: &str) -> Self {
        SchemaType { schema, info: schema.entry(name) }
    }

    /// QEMU's entry for it. Its name means nothing; `None` if QEMU does not list it.
    #[inline]
    pub fn info(&self) -> Option<&'s SchemaInfo> {
        self.info
    }

    /// Its kind in JSON; `None` if several kinds of values will do ([`JSONType::Value`] is any), or if it is of a kind that
    /// this crate does not know.
    #[inline]
    pub fn json_type(&self) -> Option<JSONType> {
        match &self.info?.branch {
            SchemaInfoBranch::Builtin(builtin) => Some(builtin.json_type.clone()),
            SchemaInfoBranch::Enum(_) => Some(JSONType::String),
            SchemaInfoBranch::Array(_) => Some(JSONType::Array),
            SchemaInfoBranch::Object(_) => Some(JSONType::Object),
            _ => None,
        }
    }

    /// A member that the object always can have. Lists are looked through, and so are alternates.
    #[inline]
    pub fn member(&self, name: &str) -> Option<SchemaMember<'s>> {
        SchemaMember::of(self.schema, self.object()?, name)
    }

    /// The members that the object always can have, in no particular order.
    #[inline]
    pub fn members(&self) -> impl Iterator<Item = SchemaMember<'s>> {
        let schema = self.schema;
        let members = self.object().map(|object| &*object.members).unwrap_or_default();
        members.iter().map(move |member| SchemaMember::new(schema, member))
    }

    /// The member whose value tells which further members the object has; `None` if it is no union.
    #[inline]
    pub fn tag(&self) -> Option<SchemaMember<'s>> {
        let object = self.object()?;
        SchemaMember::of(self.schema, object, object.tag.as_deref()?)
    }

    /// The further members that the object has if its [tag](Self::tag) has this value; `None` if the tag cannot have it. The
    /// branch has no members where the value brings none.
    #[inline]
    pub fn branch(&self, value: &str) -> Option<SchemaType<'s>> {
        let variants = self.object()?.variants.as_deref().unwrap_or_default();
        match variants.iter().find(|variant| variant.case == value) {
            Some(variant) => Some(SchemaType::new(self.schema, &variant.type_)),
            None => self.tag()?.value(value).map(|_| SchemaType { schema: self.schema, info: None }),
        }
    }

    #[inline]
    pub(super) fn object(&self) -> Option<&'s SchemaInfoObject> {
        self.find(|branch| match branch {
            SchemaInfoBranch::Object(object) => Some(object),
            _ => None,
        })
    }

    /// Looks into the type, the elements of a list, or one of an alternate's types.
    #[inline]
    fn find<T>(&self, wanted: impl Fn(&'s SchemaInfoBranch) -> Option<T>) -> Option<T> {
        match self.element()? {
            SchemaInfoBranch::Alternate(alternate) => alternate
                .members
                .iter()
                .find_map(|alternative| SchemaType::new(self.schema, &alternative.type_).element().and_then(&wanted)),
            branch => wanted(branch),
        }
    }

    /// Looks into lists.
    #[inline]
    fn element(&self) -> Option<&'s SchemaInfoBranch> {
        let mut branch = &self.info?.branch;
        for _ in 0..DEPTH {
            let SchemaInfoBranch::Array(array) = branch else { break };
            branch = &self.schema.entry(&array.element_type)?.branch;
        }
        Some(branch)
    }
}
