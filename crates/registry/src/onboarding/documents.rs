//! Documents: images and PDF files of one application or one organisation.
//!
//! The octets stand in a folder under their SHA-256, written whole (temporary file, `fsync`, rename) before the act
//! that makes the row is committed. So a row always has its file; a file without a row is what a crash or a removal
//! left, and [`Registry::sweep_documents`] takes it away after a day.

use super::application::{self, absent, identity, object, owner};
use super::state::State;
use crate::caller::{Caller, DAY, Time};
use crate::checks::document::{DocumentKind, file_name};
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::permission::Permission;
use crate::registry::Registry;
use crate::settings::{self, ReviewSettings};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Most documents of one application or one organisation.
pub const DOCUMENTS: i64 = 100;
/// Octets of the largest document; doors take no more.
pub const OCTETS: usize = 5 << 20;
const MEGABYTE: i64 = 1 << 20;
/// What a file is called before it is whole.
const UNFINISHED: &str = ".new-";

/// A document as the API shows it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    pub id: String,
    /// The application it is attached to; empty if none.
    pub application: String,
    /// The organisation it is attached to; empty if none.
    pub organisation: String,
    pub name: String,
    pub media_type: String,
    /// In octets.
    pub size: i64,
    /// SHA-256 in hexadecimal.
    pub digest: String,
    pub author: String,
    pub at: Time,
}

/// What a document is attached to.
#[derive(Debug, Clone)]
pub enum Attachment {
    Application(String),
    Organisation(String),
}

fn read(row: &AnyRow) -> Result<Document, Error> {
    Ok(Document {
        id: row.try_get(0)?,
        application: row.try_get(1)?,
        organisation: row.try_get(2)?,
        name: row.try_get(3)?,
        media_type: row.try_get(4)?,
        size: row.try_get(5)?,
        digest: row.try_get(6)?,
        author: row.try_get(7)?,
        at: row.try_get(8)?,
    })
}

async fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<Document>, Error> {
    let select = "SELECT id, application, organisation, name, media_type, size, digest, author, at FROM document \
                  WHERE id = $1";
    let row = sqlx::query(select).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

fn no_document(id: &str) -> Refusal {
    Refusal::absent("文件", "document", id)
}

fn disk(error: io::Error) -> Error {
    Error::Fault(format!("a document cannot be stored or read: {error}"))
}

/// Makes the folder, for this user only.
pub(crate) fn prepare(folder: &Path) -> Result<(), Error> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(disk)
}

pub(super) fn place(folder: &Path, digest: &str) -> PathBuf {
    folder.join(&digest[..2]).join(digest)
}

/// Writes a file whole or not at all. It is written again even if it is there: that makes it young, and what is young
/// is not swept away before its row is there.
pub(super) fn store(folder: &Path, digest: &str, unfinished: &str, octets: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let target = place(folder, digest);
    let parent = target.parent().unwrap_or(folder);
    if !parent.is_dir() {
        fs::create_dir_all(parent)?;
        fs::File::open(folder)?.sync_all()?;
    }
    let unfinished = folder.join(format!("{UNFINISHED}{unfinished}"));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    let written = file.write_all(octets).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&unfinished, &target));
    if written.is_err() {
        // The first error is the one to tell; what is left is swept away.
        let _ = fs::remove_file(&unfinished);
    }
    written?;
    fs::File::open(parent)?.sync_all()
}

/// Runs what waits for the disk where waiting is allowed.
pub(super) async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::Fault(format!("work on the disk broke off: {error}")))?.map_err(disk)
}

/// What an upload is allowed by: whoever writes the application, or whoever verifies it.
fn permission(state: State) -> Result<Permission, Refusal> {
    match state {
        State::Draft | State::Returned => Ok(Permission::ApplicationWrite),
        State::Submitted | State::InReview => Ok(Permission::ApplicationVerify),
        _ => {
            let zh = format!("申请现为“{}”，不能增删文件", state.zh());
            let en = format!("the application is {}: its documents stay as they are", state.name());
            Err(Refusal::new(Kind::Conflict, "application-state", zh, en))
        }
    }
}

impl Registry {
    pub(super) fn folder(&self) -> Result<Arc<Path>, Error> {
        let missing = || {
            let (zh, en) = ("本节点未配置文件目录", "this node has no folder for documents");
            Refusal::new(Kind::Unavailable, "documents-off", zh, en)
        };
        Ok(self.documents.clone().ok_or_else(missing)?)
    }

    /// Attaches a document. What it is, its octets say; `name` is only what people called it.
    pub async fn attach_document(
        &self,
        caller: &Caller,
        to: &Attachment,
        name: &str,
        octets: Vec<u8>,
    ) -> Result<Document, Error> {
        let folder = self.folder()?;
        // Nobody fills the disk who may not.
        self.may_attach(caller, to).await?;
        let refuse = |refusal: hufu_ident::Refusal| Refusal::fields(vec![FieldRefusal::of("file", &refusal)]);
        let kind = DocumentKind::recognise(&octets).map_err(refuse)?;
        let size = i64::try_from(octets.len()).unwrap_or(i64::MAX);
        let digest = hex::encode(Sha256::digest(&octets));
        let (target, unfinished) = (digest.clone(), crate::id::text(self.random, 16));
        on_disk(move || store(&folder, &target, &unfinished, &octets)).await?;

        let (permission, thing) = match to {
            Attachment::Application(id) => {
                let mut connection = self.database.reader().acquire().await?;
                let found = application::find(&mut connection, id).await?.ok_or_else(|| absent(id))?;
                (permission(found.state)?, object(id))
            }
            Attachment::Organisation(id) => (Permission::OrganisationWrite, format!("organisation {id}")),
        };
        let mut act = self.begin(caller, permission, &thing).await?;
        let (application, organisation, holder) = match to {
            Attachment::Application(id) => {
                let (next, found) = act.application(id).await?;
                act = next;
                self::permission(found.state)?;
                (id.clone(), String::new(), found.organisation.clone())
            }
            Attachment::Organisation(id) => {
                let absent = || Refusal::absent("组织", "organisation", id);
                act = act.reach(Some(id), &thing, absent()).await?;
                crate::organisations::find(act.sql(), id).await?.ok_or_else(absent)?;
                (String::new(), id.clone(), id.clone())
            }
        };
        let (settings, _) = settings::read::<ReviewSettings>(act.sql()).await?;
        check_quota(act.sql(), &application, &holder, size, settings.document_megabytes).await?;
        let document = Document {
            id: act.fresh_id("doc"),
            application,
            organisation,
            name: file_name(name, kind),
            media_type: kind.media_type().into(),
            size,
            digest,
            author: identity(caller),
            at: act.now(),
        };
        let insert = "INSERT INTO document (id, application, organisation, digest, name, media_type, size, author, at) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        sqlx::query(insert)
            .bind(&document.id)
            .bind(&document.application)
            .bind(&document.organisation)
            .bind(&document.digest)
            .bind(&document.name)
            .bind(&document.media_type)
            .bind(document.size)
            .bind(&document.author)
            .bind(document.at)
            .execute(act.sql())
            .await?;
        let after = json!({
            "document": document.id, "name": document.name, "digest": document.digest, "size": document.size,
        });
        act.record("document.attach", &thing, owner(&holder), json!(null), after);
        act.commit(document).await
    }

    async fn may_attach(&self, caller: &Caller, to: &Attachment) -> Result<(), Error> {
        match to {
            Attachment::Application(id) => {
                let mut connection = self.database.reader().acquire().await?;
                let found = application::find(&mut connection, id).await?;
                drop(connection);
                let found = found.ok_or_else(|| absent(id))?;
                // Its state is nothing that a stranger learns.
                let (owner, any) = (owner(&found.organisation), Permission::ApplicationWrite);
                self.reach(caller, any, owner, &object(id), absent(id)).await?;
                self.authorise(caller, permission(found.state)?, &object(id)).await
            }
            Attachment::Organisation(id) => {
                let (thing, wanted) = (format!("organisation {id}"), Permission::OrganisationWrite);
                self.authorise(caller, wanted, &thing).await?;
                let absent = Refusal::absent("组织", "organisation", id);
                self.reach(caller, wanted, Some(id), &thing, absent).await
            }
        }
    }

    /// The documents of an application, or those attached to an organisation itself.
    pub async fn documents(&self, caller: &Caller, of: &Attachment) -> Result<Vec<Document>, Error> {
        let (condition, id) = match of {
            Attachment::Application(id) => {
                self.application(caller, id).await?;
                (
                    "SELECT id, application, organisation, name, media_type, size, digest, author, at FROM document \
                  WHERE application = $1 ORDER BY at, id",
                    id,
                )
            }
            Attachment::Organisation(id) => {
                self.organisation(caller, id).await?;
                (
                    "SELECT id, application, organisation, name, media_type, size, digest, author, at FROM document \
                  WHERE organisation = $1 ORDER BY at, id",
                    id,
                )
            }
        };
        let rows = sqlx::query(condition).bind(id).fetch_all(self.database.reader()).await?;
        rows.iter().map(read).collect()
    }

    /// One document, for whoever may see what it is attached to.
    pub async fn document(&self, caller: &Caller, id: &str) -> Result<Document, Error> {
        let name = format!("document {id}");
        let mut connection = self.database.reader().acquire().await?;
        let found = find(&mut connection, id).await?;
        let Some(found) = found else {
            drop(connection);
            self.authorise(caller, Permission::ApplicationRead, &name).await?;
            return Err(no_document(id).into());
        };
        let (permission, organisation) = match found.application.is_empty() {
            true => (Permission::OrganisationRead, found.organisation.clone()),
            false => {
                let application = application::find(&mut connection, &found.application).await?;
                (Permission::ApplicationRead, application.map(|found| found.organisation.clone()).unwrap_or_default())
            }
        };
        drop(connection);
        self.authorise(caller, permission, &name).await?;
        self.reach(caller, permission, owner(&organisation), &name, no_document(id)).await?;
        Ok(found)
    }

    /// A document with its octets, which are what its digest says.
    pub async fn read_document(&self, caller: &Caller, id: &str) -> Result<(Document, Vec<u8>), Error> {
        let folder = self.folder()?;
        let document = self.document(caller, id).await?;
        let path = place(&folder, &document.digest);
        let octets = on_disk(move || fs::read(path)).await?;
        if hex::encode(Sha256::digest(&octets)) != document.digest {
            return Err(Error::Fault(format!("the document {id} is damaged: its digest is another one")));
        }
        Ok((document, octets))
    }

    /// Takes a document away from an application that is being written, or from an organisation.
    pub async fn remove_document(&self, caller: &Caller, id: &str) -> Result<Document, Error> {
        let found = self.document(caller, id).await?;
        let name = format!("document {id}");
        let mut act = match found.application.is_empty() {
            true => {
                let act = self.begin(caller, Permission::OrganisationWrite, &name).await?;
                act.reach(Some(&found.organisation), &name, no_document(id)).await?
            }
            false => {
                let act = self.begin(caller, Permission::ApplicationWrite, &name).await?;
                let (act, application) = act.application(&found.application).await?;
                if permission(application.state)? != Permission::ApplicationWrite {
                    let (zh, en) = ("申请已提交，不能删除文件", "the application was submitted: its documents stay");
                    return Err(Refusal::new(Kind::Conflict, "application-state", zh, en).into());
                }
                act
            }
        };
        let gone = sqlx::query("DELETE FROM document WHERE id = $1").bind(id).execute(act.sql()).await?;
        if gone.rows_affected() == 0 {
            return Err(no_document(id).into());
        }
        let before = json!({"name": found.name, "digest": found.digest, "application": found.application});
        act.record("document.remove", &name, owner(&found.organisation), before, json!(null));
        act.commit(found).await
    }

    /// Takes files away that have no row and are older than a day. Says how many.
    pub async fn sweep_documents(&self, now: Time) -> Result<u64, Error> {
        let folder = self.folder()?;
        let old = on_disk(move || old_files(&folder, now.saturating_sub(DAY))).await?;
        let mut gone = 0;
        for path in old {
            let digest = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            let row = sqlx::query("SELECT 1 FROM document WHERE digest = $1 LIMIT 1").bind(&digest);
            if row.fetch_optional(self.database.reader()).await?.is_none() {
                on_disk(move || fs::remove_file(path)).await?;
                gone += 1;
            }
        }
        Ok(gone)
    }
}

/// Files last written before a moment.
fn old_files(folder: &Path, before: Time) -> io::Result<Vec<PathBuf>> {
    let mut old = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let about = entry.metadata()?;
            if about.is_dir() {
                folders.push(entry.path());
                continue;
            }
            let age = about.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            if i64::try_from(age.as_millis()).unwrap_or(i64::MAX) < before {
                old.push(entry.path());
            }
        }
    }
    Ok(old)
}

/// Refuses a document that is one too many, or for which the holder has no room.
async fn check_quota(
    connection: &mut AnyConnection,
    application: &str,
    holder: &str,
    size: i64,
    megabytes: u32,
) -> Result<(), Error> {
    // What belongs to no organisation yet is counted by application.
    let select = match holder.is_empty() {
        true => "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT), COUNT(*) FROM document WHERE application = $1",
        false => {
            "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT), COUNT(*) FROM document WHERE organisation = $1 \
             OR application IN (SELECT id FROM application WHERE organisation = $1)"
        }
    };
    let holder = if holder.is_empty() { application } else { holder };
    let row = sqlx::query(select).bind(holder).fetch_one(&mut *connection).await?;
    let used: i64 = row.try_get(0)?;
    if used.saturating_add(size) > i64::from(megabytes) * MEGABYTE {
        let (zh, en) = (format!("文件总量已达 {megabytes} MB 上限"), format!("the documents reach {megabytes} MB"));
        return Err(Refusal::new(Kind::Limit, "documents-full", zh, en).into());
    }
    if !application.is_empty() {
        let count = sqlx::query("SELECT COUNT(*) FROM document WHERE application = $1").bind(application);
        let count: i64 = count.fetch_one(connection).await?.try_get(0)?;
        if count >= DOCUMENTS {
            let (zh, en) = (format!("每件申请最多 {DOCUMENTS} 个文件"), format!("at most {DOCUMENTS} documents"));
            return Err(Refusal::new(Kind::Limit, "documents-many", zh, en).into());
        }
    }
    Ok(())
}
