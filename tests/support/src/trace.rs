//! A subscriber that keeps what this crate tells it, up to a level.

use std::sync::{Arc, Mutex, MutexGuard, Once};
use std::{collections::BTreeMap, fmt};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{level_filters::LevelFilter, Dispatch, Event, Level, Metadata, Subscriber};

#[derive(Debug, Default)]
pub struct Fields(pub BTreeMap<&'static str, String>);

#[derive(Debug, Default)]
pub struct Told {
    pub spans: Vec<(Fields, usize)>, // and the number of handles
    pub events: Vec<Fields>,
}

/// What was told so far. Clones share it.
#[derive(Clone)]
pub struct Trace(Arc<Mutex<Told>>, LevelFilter);

impl Trace {
    pub fn new(level: LevelFilter) -> Self {
        // Other tests come by the same callsites without a subscriber, which must not settle that nobody ever wants them.
        static ONCE: Once = Once::new();
        ONCE.call_once(|| drop(tracing::subscriber::set_global_default(Undecided)));
        Trace(Arc::default(), level)
    }

    /// Listens to this thread until the guard is dropped.
    pub fn listen(&self) -> tracing::subscriber::DefaultGuard {
        tracing::dispatcher::set_default(&Dispatch::new(self.clone()))
    }

    pub fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap()
    }

    /// One field of all spans, which have ended.
    pub fn each(&self, field: &str) -> Vec<String> {
        let told = self.told();
        for (span, handles) in &told.spans {
            assert!(*handles == 0 && span.0["duration"].parse::<f64>().is_ok_and(|seconds| seconds >= 0.0), "{span:?}");
        }
        told.spans.iter().map(|(span, _)| span.0.get(field).cloned().unwrap_or_default()).collect()
    }

    /// All messages, each behind its direction.
    pub fn messages(&self) -> Vec<String> {
        let message = |event: &Fields| Some(format!("{} {}", event.0.get("direction")?, event.0.get("text")?));
        self.told().events.iter().filter_map(message).collect()
    }
}

impl Subscriber for Trace {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "qemu_qmp" && *metadata.level() <= self.1
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        assert_eq!((attributes.metadata().name(), *attributes.metadata().level()), ("command", Level::DEBUG));
        let mut told = self.told();
        told.spans.push((Fields::default(), 1));
        attributes.record(&mut told.spans.last_mut().unwrap().0);
        Id::from_u64(told.spans.len() as u64)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        values.record(&mut self.told().spans[id.into_u64() as usize - 1].0);
    }

    fn event(&self, event: &Event<'_>) {
        assert_eq!(*event.metadata().level(), Level::TRACE);
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.told().events.push(fields);
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.told().spans[id.into_u64() as usize - 1].1 += 1;
        id.clone()
    }
    fn try_close(&self, id: Id) -> bool {
        self.told().spans[id.into_u64() as usize - 1].1 -= 1;
        false
    }

    fn enter(&self, _: &Id) {
        panic!("what happens in a span may be another call's");
    }
    fn exit(&self, _: &Id) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
}

/// Wants nothing, and may change its mind at each callsite.
struct Undecided;

impl Subscriber for Undecided {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}
