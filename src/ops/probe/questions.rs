//! Questions that introspection does not answer: types of devices and objects, their properties, machines, CPU models.
//!
//! A question is asked when its answer is wanted for the first time, and no other with it: some of them end some QEMUs.

use super::schema::Schema;
use crate::api::{CommandFor, Monitor, MonitorPeer};
use crate::error::{Error, ErrorClass, Result};
use crate::ops::steps::after;
use crate::qmp::commands::{
    DeviceListProperties, QomListProperties, QomListTypes, QueryCpuDefinitions, QueryMachines, QueryQmpSchema,
};
use crate::qmp::types::{CpuDefinitionInfo, MachineInfo, ObjectPropertyInfo, ObjectTypeInfo};
use crate::timeout::Timeout;
use crate::verbs::{Connection, Mode, Running};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// A list of QEMU's, by name. Clones share it.
pub type Listing<T> = Arc<BTreeMap<String, T>>;

/// Questions to a QEMU, with the answers that it has given. Made by a client's `probe`.
///
/// Each question is one command, asked when its answer is wanted for the first time. The answer is kept as long as this is; a
/// failure is not.
///
/// # Questions that end QEMU
///
/// A defect of some releases ends QEMU while it answers, and the guest with it. So it is with the properties of these types:
///
/// - `virtio-gpu-gl-pci`, in 7.2, if QEMU's module for OpenGL is installed and no display has OpenGL;
/// - `x-remote-object`, up to 11.1 at least, and `colo-compare`, in 7.2 and 10.0.
///
/// To a QEMU that finds modules of another build, all lists of types are such a question. An operation fails with
/// [`Closed`](crate::ErrorKind::Closed) then. Who asks for more than a few types asks a QEMU that was started for it, with
/// `-machine none`.
///
/// # Keeping answers
///
/// A blocking client does nothing else while it is lent to this. [`into_answers`](Self::into_answers) gives it back, and
/// [`knowing`](Self::knowing) goes on with what was told, also to another QEMU of the same build.
#[derive(Debug)]
pub struct Probe<K> {
    connection: K,
    timeout: Option<Duration>,
    known: Answers,
}

/// Facts that a QEMU has told of itself, for a [`Probe`] to go on with. Clones are cheap.
#[derive(Clone, Default)]
pub struct Answers {
    schema: Option<Schema>,
    /// By the type that they are derived from.
    types: BTreeMap<&'static str, Listing<ObjectTypeInfo>>,
    object_properties: BTreeMap<String, Option<Listing<ObjectPropertyInfo>>>,
    device_properties: BTreeMap<String, Option<Listing<ObjectPropertyInfo>>>,
    machines: Option<Listing<MachineInfo>>,
    cpu_models: Option<Option<Listing<CpuDefinitionInfo>>>,
}

const DEVICE: &str = "device";
const USER_CREATABLE: &str = "user-creatable";

impl<K: Connection<Peer: MonitorPeer>> Probe<K> {
    pub(crate) fn new(connection: K) -> Self {
        Probe { connection, timeout: None, known: Answers::default() }
    }

    /// Takes these for the answers of this QEMU, and forgets others. They must come from the same build, with the same
    /// machine if there are CPU models among them.
    pub fn knowing(mut self, answers: Answers) -> Self {
        self.known = answers;
        self
    }

    /// All answers so far.
    pub fn into_answers(self) -> Answers {
        self.known
    }

    /// How long each question may take.
    pub fn deadline(mut self, timeout: impl Timeout) -> Self {
        self.timeout = timeout.limit();
        self
    }

    /// The schema (`query-qmp-schema`).
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors).
    pub fn schema(&mut self) -> Running<K, impl Future<Output = Result<Schema>> + use<'_, K>> {
        K::Mode::run(async move {
            if let Some(schema) = &self.known.schema {
                return Ok(schema.clone());
            }
            let entries = self.ask(QueryQmpSchema::new()).await?;
            Ok(self.known.schema.insert(entries.into_iter().collect()).clone())
        })
    }

    /// The types of objects that `object-add` makes, such as `iothread` (`qom-list-types`).
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors). QEMU [may end](Self#questions-that-end-qemu).
    pub fn object_types(&mut self) -> Running<K, impl Future<Output = Result<Listing<ObjectTypeInfo>>> + use<'_, K>> {
        K::Mode::run(self.types(USER_CREATABLE))
    }

    /// Returns whether `object-add` makes objects of this type.
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors). QEMU [may end](Self#questions-that-end-qemu).
    pub fn has_object<'p>(&'p mut self, name: &'p str) -> Running<K, impl Future<Output = Result<bool>> + use<'p, K>> {
        K::Mode::run(async move { Ok(self.types(USER_CREATABLE).await?.contains_key(name)) })
    }

    /// The properties that objects of this type have, whatever type it is (`qom-list-properties`); `None` if there is no such
    /// type. A machine's type is its name with `-machine` at the end. Properties that an object only gets when it is made are
    /// missing.
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors). QEMU [may end](Self#questions-that-end-qemu).
    pub fn object_properties<'p>(
        &'p mut self,
        name: &'p str,
    ) -> Running<K, impl Future<Output = Result<Option<Listing<ObjectPropertyInfo>>>> + use<'p, K>> {
        K::Mode::run(self.properties_of_object(name))
    }

    /// A property that objects of this type have; `None` if there is no such type, or if it has no such property.
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors). QEMU [may end](Self#questions-that-end-qemu).
    pub fn object_property<'p>(
        &'p mut self,
        name: &'p str,
        property: &'p str,
    ) -> Running<K, impl Future<Output = Result<Option<ObjectPropertyInfo>>> + use<'p, K>> {
        K::Mode::run(async move { Ok(one_of(self.properties_of_object(name).await?, property)) })
    }

    async fn properties_of_object(&mut self, name: &str) -> Result<Option<Listing<ObjectPropertyInfo>>> {
        if let Some(known) = self.known.object_properties.get(name) {
            return Ok(known.clone());
        }
        let properties = match self.ask(QomListProperties::new(name)).await {
            Ok(properties) => Some(listing(properties, |info| &info.name)),
            Err(error) if is_of(&error, &ErrorClass::DeviceNotFound) => None,
            Err(error) => return Err(error),
        };
        self.known.object_properties.insert(name.to_owned(), properties.clone());
        Ok(properties)
    }

    /// Types that can be made and are derived from this one.
    async fn types(&mut self, from: &'static str) -> Result<Listing<ObjectTypeInfo>> {
        if let Some(known) = self.known.types.get(from) {
            return Ok(known.clone());
        }
        let types = listing(self.ask(QomListTypes::new().implements(from)).await?, |info| &info.name);
        self.known.types.insert(from, types.clone());
        Ok(types)
    }

    async fn ask<C: CommandFor<K::Peer>>(&mut self, question: C) -> Result<C::Reply> {
        let deadline = after(&self.connection, self.timeout);
        self.connection.execute(question, deadline).await.map(|answer| answer.reply)
    }
}

/// Questions for the system emulator alone.
impl<K: Connection<Peer = Monitor>> Probe<K> {
    /// The types of devices (`qom-list-types`). Some of them come with a board only, and `device_add` refuses them.
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors). QEMU [may end](Self#questions-that-end-qemu).
    pub fn device_types(&mut self) -> Running<K, impl Future<Output = Result<Listing<ObjectTypeInfo>>> + use<'_, K>> {
        K::Mode::run(self.types(DEVICE))
    }

    /// Returns whether there is this type of devices.
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors). QEMU [may end](Self#questions-that-end-qemu).
    pub fn has_device<'p>(&'p mut self, name: &'p str) -> Running<K, impl Future<Output = Result<bool>> + use<'p, K>> {
        K::Mode::run(async move { Ok(self.types(DEVICE).await?.contains_key(name)) })
    }

    /// The properties that devices of this type have (`device-list-properties`); `None`, without a question, if there is no such
    /// type of devices.
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors). QEMU [may end](Self#questions-that-end-qemu).
    pub fn device_properties<'p>(
        &'p mut self,
        name: &'p str,
    ) -> Running<K, impl Future<Output = Result<Option<Listing<ObjectPropertyInfo>>>> + use<'p, K>> {
        K::Mode::run(self.properties_of_device(name))
    }

    /// A property that devices of this type have; `None` if there is no such type, or if it has no such property.
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors). QEMU [may end](Self#questions-that-end-qemu).
    pub fn device_property<'p>(
        &'p mut self,
        name: &'p str,
        property: &'p str,
    ) -> Running<K, impl Future<Output = Result<Option<ObjectPropertyInfo>>> + use<'p, K>> {
        K::Mode::run(async move { Ok(one_of(self.properties_of_device(name).await?, property)) })
    }

    /// The machines (`query-machines`). An alias is not listed, but is `alias` of the machine that it stands for.
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors).
    pub fn machines(&mut self) -> Running<K, impl Future<Output = Result<Listing<MachineInfo>>> + use<'_, K>> {
        K::Mode::run(self.listed_machines())
    }

    /// Returns whether there is a machine of this name or alias.
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors).
    pub fn has_machine<'p>(&'p mut self, name: &'p str) -> Running<K, impl Future<Output = Result<bool>> + use<'p, K>> {
        K::Mode::run(async move {
            let machines = self.listed_machines().await?;
            Ok(machines.contains_key(name) || machines.values().any(|machine| machine.alias.as_deref() == Some(name)))
        })
    }

    /// The CPU models (`query-cpu-definitions`); `None` if this QEMU does not tell, because it does not for its target, or not
    /// before its machine is made.
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors).
    pub fn cpu_models(
        &mut self,
    ) -> Running<K, impl Future<Output = Result<Option<Listing<CpuDefinitionInfo>>>> + use<'_, K>> {
        K::Mode::run(self.listed_cpu_models())
    }

    /// Returns whether there is this CPU model; `None` if this QEMU [does not tell](Self::cpu_models).
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors).
    pub fn has_cpu_model<'p>(
        &'p mut self,
        name: &'p str,
    ) -> Running<K, impl Future<Output = Result<Option<bool>>> + use<'p, K>> {
        K::Mode::run(async move { Ok(self.listed_cpu_models().await?.map(|models| models.contains_key(name))) })
    }

    async fn properties_of_device(&mut self, name: &str) -> Result<Option<Listing<ObjectPropertyInfo>>> {
        if let Some(known) = self.known.device_properties.get(name) {
            return Ok(known.clone());
        }
        // QEMU refuses what is no device, or none that can be made, by errors that programs cannot tell from others.
        let properties = match self.types(DEVICE).await?.contains_key(name) {
            true => Some(listing(self.ask(DeviceListProperties::new(name)).await?, |info| &info.name)),
            false => None,
        };
        self.known.device_properties.insert(name.to_owned(), properties.clone());
        Ok(properties)
    }

    async fn listed_machines(&mut self) -> Result<Listing<MachineInfo>> {
        if let Some(known) = &self.known.machines {
            return Ok(known.clone());
        }
        let machines = listing(self.ask(QueryMachines::new()).await?, |info| &info.name);
        Ok(self.known.machines.insert(machines).clone())
    }

    async fn listed_cpu_models(&mut self) -> Result<Option<Listing<CpuDefinitionInfo>>> {
        if let Some(known) = &self.known.cpu_models {
            return Ok(known.clone());
        }
        let models = match self.ask(QueryCpuDefinitions::new()).await {
            Ok(models) => Some(listing(models, |info| &info.name)),
            Err(error) if is_of(&error, &ErrorClass::CommandNotFound) => None,
            // It takes no arguments that could be wrong. There may be an answer later: it is not kept.
            Err(error) if is_of(&error, &ErrorClass::GenericError) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(self.known.cpu_models.insert(models).clone())
    }
}

fn listing<T>(items: Vec<T>, name: fn(&T) -> &String) -> Listing<T> {
    Arc::new(items.into_iter().map(|item| (name(&item).clone(), item)).collect())
}

#[inline]
fn one_of(properties: Option<Listing<ObjectPropertyInfo>>, name: &str) -> Option<ObjectPropertyInfo> {
    properties.and_then(|properties| properties.get(name).cloned())
}

#[inline]
fn is_of(error: &Error, class: &ErrorClass) -> bool {
    error.server_error().is_some_and(|error| error.class == *class)
}

/// Which questions were answered.
impl fmt::Debug for Answers {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Answers");
        shown.field("schema", &self.schema).field("types", &self.types.keys());
        shown.field("object_properties", &self.object_properties.keys());
        shown.field("device_properties", &self.device_properties.keys());
        shown.field("machines", &self.machines.is_some()).field("cpu_models", &self.cpu_models.is_some()).finish()
    }
}
