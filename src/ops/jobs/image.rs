//! Images that are made and opened in one call, and closed again.

use super::command::{keep, random_name};
use super::outcome::JobOutcome;
use super::track::{Goal, Options, Tracker};
use crate::api::MonitorPeer;
use crate::error::{Error, Result};
use crate::ops::steps::after;
use crate::ops::unfinished::Unfinished;
use crate::qmp::commands::{BlockdevAdd, BlockdevCreate, BlockdevDel};
use crate::qmp::types::*;
use crate::timeout::Timeout;
use crate::verbs::{Connection, Mode, Running};
use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};

/// How long QEMU lets a node's name be.
const LONGEST_NODE_NAME: usize = 31;

/// An image that is to be created: the file, the format in it, and a node for each. Made by a client's `create_image`.
#[must_use = "an image is not created until this is run"]
pub struct CreateImage<K> {
    connection: K,
    filename: String,
    format: ImageFormat,
    size: u64,
    node_name: Option<String>,
    backing_file: Option<(String, BlockdevDriver)>,
    backing_node: Option<String>,
    timeout: Option<Duration>,
}

/// How the contents of an image lie in its file.
#[derive(Clone)]
#[non_exhaustive]
pub enum ImageFormat {
    /// As they are.
    Raw,
    /// QEMU's own format, with these choices of its own; [`ImageFormat::qcow2`] makes none.
    Qcow2(Qcow2Choices),
}

/// Sets what an image in qcow2 has that others have not, such as `cluster_size`.
type Qcow2Choices = fn(BlockdevCreateOptionsQcow2) -> BlockdevCreateOptionsQcow2;

/// An image that was created and is open.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Image {
    /// The node that devices and jobs use.
    pub node_name: String,
    /// The node of the file, below it.
    pub file_node_name: String,
    /// The file.
    pub filename: String,
}

/// An image that is to be closed. Made by a client's `close_image`.
#[derive(Debug)]
#[must_use = "an image is not closed until this is run"]
pub struct CloseImage<K> {
    connection: K,
    image: Image,
}

/// Why an image was not created. The nodes that were added for it are gone again; the file is not, because QEMU deletes none.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CreateImageError {
    /// A command failed.
    Command(Error),
    /// A job of `blockdev-create` did not complete.
    Job(Unfinished<JobOutcome>),
}

// By hand, here and in other operations, because what is derived is compiled for every program.
impl fmt::Display for CreateImageError {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CreateImageError::Command(error) => error.fmt(f),
            CreateImageError::Job(unfinished) => unfinished.fmt(f),
        }
    }
}

impl std::error::Error for CreateImageError {}

impl ImageFormat {
    /// QEMU's own format, as QEMU makes it by default.
    #[inline]
    pub fn qcow2() -> Self {
        ImageFormat::Qcow2(|options| options)
    }
}

impl<K: Connection<Peer: MonitorPeer>> CreateImage<K> {
    /// An image of so many bytes, to be created in this file, on a connection of whatever kind.
    pub fn new(connection: K, filename: impl Into<String>, format: ImageFormat, size: u64) -> Self {
        let filename = filename.into();
        CreateImage {
            connection,
            filename,
            format,
            size,
            node_name: None,
            backing_file: None,
            backing_node: None,
            timeout: None,
        }
    }

    /// The name of the node, of up to 31 characters. Without it one is made up.
    pub fn node_name(mut self, node_name: impl Into<String>) -> Self {
        self.node_name = Some(node_name.into());
        self
    }

    /// Names the file, and its format, that holds all contents which the image (in qcow2) lacks. It is written into the image.
    /// The image is opened without it, as [`blockdev-snapshot`](crate::qmp::commands::BlockdevSnapshot) needs it, unless
    /// [`backing_node`](Self::backing_node) says otherwise.
    pub fn backing_file(mut self, filename: impl Into<String>, format: BlockdevDriver) -> Self {
        self.backing_file = Some((filename.into(), format));
        self
    }

    /// Names the node, open already, that holds all contents which the image (in qcow2) lacks.
    pub fn backing_node(mut self, node_name: impl Into<String>) -> Self {
        self.backing_node = Some(node_name.into());
        self
    }

    /// Gives up after so long: a job that is not over then is cancelled.
    pub fn deadline(mut self, timeout: impl Timeout) -> Self {
        self.timeout = timeout.limit();
        self
    }

    /// Creates the image and opens it.
    ///
    /// # Errors
    ///
    /// If QEMU refuses one of the commands, or a job does not complete.
    pub fn run(mut self) -> Running<K, impl Future<Output = Result<Image, CreateImageError>> + use<K>> {
        K::Mode::run(async move {
            let node_name = self.node_name.take().unwrap_or_else(|| random_name("qmp-image"));
            let file_node_name = match format!("{node_name}-file") {
                name if name.len() <= LONGEST_NODE_NAME => name,
                _ => random_name("qmp-file"),
            };
            let deadline = after(&self.connection, self.timeout);
            let image = Image { node_name, file_node_name, filename: self.filename.clone() };
            self.create(&image, deadline).await.map(|()| image)
        })
    }

    async fn create(&mut self, image: &Image, deadline: Option<Instant>) -> Result<(), CreateImageError> {
        let file_size = if matches!(self.format, ImageFormat::Raw) { self.size } else { 0 };
        let file = BlockdevCreateOptionsFile::new(image.filename.clone(), file_size);
        self.run_job(BlockdevCreateOptions::file(file), deadline).await?;
        let node = BlockdevOptions::file(BlockdevOptionsFile::new(image.filename.clone()));
        self.add(node.node_name(image.file_node_name.clone()), deadline).await?;
        let formatted = self.format(image, deadline).await;
        if formatted.is_err() {
            // The first failure tells more than one that this may have.
            let _ = self.connection.execute(BlockdevDel::new(image.file_node_name.clone()), None).await;
        }
        formatted
    }

    async fn format(&mut self, image: &Image, deadline: Option<Instant>) -> Result<(), CreateImageError> {
        let file = || image.file_node_name.clone();
        let node = match self.format {
            ImageFormat::Raw => BlockdevOptions::raw(BlockdevOptionsRaw::new(file())),
            ImageFormat::Qcow2(choose) => {
                let mut options = choose(BlockdevCreateOptionsQcow2::new(file(), self.size));
                let mut node = BlockdevOptionsQcow2::new(file()).backing(BlockdevRefOrNull::Null);
                if let Some((filename, format)) = &self.backing_file {
                    options = options.backing_file(filename.clone()).backing_fmt(format.clone());
                }
                if let Some(backing) = &self.backing_node {
                    node = node.backing(backing.clone());
                }
                self.run_job(BlockdevCreateOptions::qcow2(options), deadline).await?;
                BlockdevOptions::qcow2(node)
            }
        };
        self.add(node.node_name(image.node_name.clone()), deadline).await
    }

    async fn add(&mut self, node: BlockdevOptions, deadline: Option<Instant>) -> Result<(), CreateImageError> {
        let added = self.connection.execute(BlockdevAdd::from(node), deadline).await;
        added.map(drop).map_err(CreateImageError::Command)
    }

    async fn run_job(
        &mut self,
        options: BlockdevCreateOptions,
        deadline: Option<Instant>,
    ) -> Result<(), CreateImageError> {
        let mut command = BlockdevCreate::new(random_name("qmp-job"), options);
        let id = keep(&mut command);
        let mut wanted = Options::new();
        wanted.cancel_at_deadline = true;
        let mut tracker = Tracker::new(&mut self.connection, vec![id], wanted, deadline);
        tracker.begin(command).await.map_err(CreateImageError::Command)?;
        let outcome = tracker.drive(0, Goal::END).await.map_err(CreateImageError::Command)?;
        outcome.completed().map_err(CreateImageError::Job)
    }
}

impl<K: Connection<Peer: MonitorPeer>> CloseImage<K> {
    /// An image that a [`CreateImage`] has opened, on a connection of whatever kind.
    pub fn new(connection: K, image: Image) -> Self {
        CloseImage { connection, image }
    }

    /// Closes the image.
    ///
    /// # Errors
    ///
    /// [`Server`](crate::ErrorKind::Server) if a node is in use, or gone; and those of
    /// [every operation](crate::Client#errors).
    pub fn run(mut self) -> Running<K, impl Future<Output = Result<()>> + use<K>> {
        K::Mode::run(async move {
            let Image { node_name, file_node_name, .. } = self.image;
            self.connection.execute(BlockdevDel::new(node_name), None).await?;
            self.connection.execute(BlockdevDel::new(file_node_name), None).await.map(drop)
        })
    }
}

impl<K> fmt::Debug for CreateImage<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("CreateImage");
        shown.field("filename", &self.filename).field("format", &self.format).field("size", &self.size);
        shown.field("node_name", &self.node_name).field("backing_file", &self.backing_file).finish_non_exhaustive()
    }
}

impl fmt::Debug for ImageFormat {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ImageFormat::Raw => "Raw",
            ImageFormat::Qcow2(_) => "Qcow2",
        })
    }
}
