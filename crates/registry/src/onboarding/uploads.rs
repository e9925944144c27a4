//! Uploads: files that are sent before the application that they belong to, as the SNMS dialect has it.
//!
//! ```text
//! sent ──claim──► of one application ──its documents are attached──► (forgotten after a day)
//!   ▲                     │
//!   └──────release────────┘   the application was refused
//! ```
//! Only whoever sent a file may use it, and for one application only. What nobody used in a day is forgotten.

use super::application::identity;
use super::documents::{on_disk, place, store};
use crate::caller::{Caller, DAY, Time};
use crate::checks::document::{DocumentKind, file_name};
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::permission::Permission;
use crate::registry::Registry;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::Row;

/// Most files of one sender that belong to no application yet.
const WAITING: i64 = 100;

/// A file that was sent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Upload {
    pub id: i64,
    /// A name of ours, with the ending of what it is.
    pub name: String,
}

fn unknown(id: i64) -> Refusal {
    let (zh, en) = (format!("没有该文件，或已用于其他申请：{id}"), format!("there is no file {id}, or it was used"));
    Refusal::new(Kind::Absent, "upload-unknown", zh, en)
}

impl Registry {
    /// Takes a file.
    pub async fn upload(&self, caller: &Caller, octets: Vec<u8>) -> Result<Upload, Error> {
        let folder = self.folder()?;
        self.authorise(caller, Permission::ApplicationWrite, "upload").await?;
        let refuse = |refusal: hufu_ident::Refusal| Refusal::fields(vec![FieldRefusal::of("file", &refusal)]);
        let kind = DocumentKind::recognise(&octets).map_err(refuse)?;
        let digest = hex::encode(Sha256::digest(&octets));
        let (target, unfinished) = (digest.clone(), crate::id::text(self.random, 16));
        on_disk(move || store(&folder, &target, &unfinished, &octets)).await?;
        let mut act = self.begin(caller, Permission::ApplicationWrite, "upload").await?;
        let author = identity(caller);
        let waiting = sqlx::query("SELECT COUNT(*) FROM upload WHERE author = $1 AND application = ''").bind(&author);
        if waiting.fetch_one(act.sql()).await?.try_get::<i64, _>(0)? >= WAITING {
            let (zh, en) = (format!("未使用的文件已达 {WAITING} 个"), format!("{WAITING} files wait to be used"));
            return Err(Refusal::new(Kind::Limit, "uploads-many", zh, en).into());
        }
        let name = file_name(&crate::id::text(self.random, 26), kind);
        let now = act.now();
        let insert = "INSERT INTO upload (id, author, name, digest, application, at) \
                      SELECT COALESCE(MAX(id), 0) + 1, $1, $2, $3, '', $4 FROM upload RETURNING id";
        let insert = sqlx::query(insert).bind(author).bind(&name).bind(&digest).bind(now);
        let id: i64 = insert.fetch_one(act.sql()).await?.try_get(0)?;
        let organisation = caller.organisation().map(str::to_owned);
        let after = json!({"name": name, "digest": digest});
        act.record("document.upload", &format!("upload {id}"), organisation.as_deref(), json!(null), after);
        act.commit(Upload { id, name }).await
    }

    /// Takes files of the caller for an application: all of them, or none.
    pub async fn claim_uploads(&self, caller: &Caller, ids: &[i64], application: &str) -> Result<(), Error> {
        let mut act = self.begin(caller, Permission::ApplicationWrite, "upload").await?;
        for id in ids {
            let claim = "UPDATE upload SET application = $1 WHERE id = $2 AND author = $3 AND application = ''";
            let claim = sqlx::query(claim).bind(application).bind(id).bind(identity(caller));
            if claim.execute(act.sql()).await?.rows_affected() != 1 {
                return Err(unknown(*id).into());
            }
        }
        let organisation = caller.organisation().map(str::to_owned);
        act.record(
            "document.claim",
            &format!("application {application}"),
            organisation.as_deref(),
            json!(null),
            json!(ids),
        );
        act.commit(()).await
    }

    /// The application came to nothing: its files may be used for another.
    pub async fn release_uploads(&self, caller: &Caller, application: &str) -> Result<(), Error> {
        let mut act = self.begin(caller, Permission::ApplicationWrite, "upload").await?;
        let release = sqlx::query("UPDATE upload SET application = '' WHERE application = $1 AND author = $2");
        release.bind(application).bind(identity(caller)).execute(act.sql()).await?;
        let organisation = caller.organisation().map(str::to_owned);
        let object = format!("application {application}");
        act.record("document.release", &object, organisation.as_deref(), json!(null), json!(null));
        act.commit(()).await
    }

    /// Name and octets of a file that was claimed for an application.
    pub async fn claimed_upload(&self, id: i64, application: &str) -> Result<(String, Vec<u8>), Error> {
        let select = sqlx::query("SELECT name, digest FROM upload WHERE id = $1 AND application = $2");
        let row = select.bind(id).bind(application).fetch_optional(self.database.reader()).await?;
        let row = row.ok_or_else(|| unknown(id))?;
        let (name, digest): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let path = place(&self.folder()?, &digest);
        Ok((name, on_disk(move || std::fs::read(path)).await?))
    }

    /// Forgets files that are older than a day; what was used is a document by then. Says how many.
    pub async fn sweep_uploads(&self, now: Time) -> Result<u64, Error> {
        let mut write = self.database.begin_write().await?;
        let gone = sqlx::query("DELETE FROM upload WHERE at < $1 AND id < (SELECT MAX(id) FROM upload)");
        let gone = gone.bind(now.saturating_sub(DAY)).execute(&mut *write.transaction).await?.rows_affected();
        write.transaction.commit().await?;
        Ok(gone)
    }
}
