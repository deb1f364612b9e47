//! All modules of an API can be imported at once: no two items have one name.
//!
//! Where two globs import two items of a name, using the name is an error, or a lint that is one here. Each name is used.

#![deny(ambiguous_glob_imports)]
#![allow(deprecated)]

macro_rules! used {
    ($($name:ident,)*) => {
        $(const _: Option<$name> = None;)*
    };
}

mod qmp {
    use qemu_qmp::qmp::{commands::*, events::*, types::*};

    qemu_qmp::qmp::types::for_each_type!(used!);
    qemu_qmp::qmp::commands::for_each_command!(used!);
    qemu_qmp::qmp::events::for_each_event!(used!);

    #[test]
    fn arguments_of_a_command_s_name_are_the_command() {
        let backup: BlockdevBackup = qemu_qmp::qmp::types::BlockdevBackup::new("disk", MirrorSyncMode::Full, "target");
        assert_eq!(<BlockdevBackup as qemu_qmp::Command>::NAME, "blockdev-backup");
        let action = TransactionAction::blockdev_backup(backup.clone());
        let (action, command) = (serde_json::to_value(action).unwrap(), serde_json::to_value(backup).unwrap());
        assert_eq!(action["data"], command);
    }

    #[test]
    fn events_are_told_apart_from_commands() {
        let event = AnyEvent::Stop(StopEvent::blank());
        assert_eq!((qemu_qmp::EventSet::name(&event), <Stop as qemu_qmp::Command>::NAME), ("STOP", "stop"));
    }
}

mod qga {
    use qemu_qmp::qga::{commands::*, types::*};

    qemu_qmp::qga::types::for_each_type!(used!);
    qemu_qmp::qga::commands::for_each_command!(used!);
}
