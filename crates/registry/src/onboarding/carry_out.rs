//! What an approval does, in the act that decides it: either all of it happens, or the application stays in review.

use super::application::{Application, ApplicationKind};
use super::content::{Origin, PrefixWish};
use crate::Act;
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::organisations::{self, OrganisationKind};
use crate::prefixes::{DelegationData, Wish};
use crate::subject::Subject;
use serde_json::{Value as Json, json};

/// The role of the first account of an enterprise.
const ADMINISTRATOR: &str = "enterprise-administrator";

/// What came of an approval.
pub(crate) struct Carried {
    /// `organisation`, `account`, `prefixes`, as far as there are any.
    pub result: Json,
    /// The token with which the first administrator sets a password. Shown once and kept nowhere.
    pub invitation: Option<String>,
}

/// The wish as the allocation takes it.
fn wished(organisation: &str, wish: &PrefixWish) -> Wish {
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let held = wish.origin == Origin::Held;
    let name = given(&wish.name);
    // What is named exactly needs no other choice.
    let (under, pattern) = match (&name, given(&wish.pattern)) {
        (Some(_), _) => (None, None),
        (None, Some(pattern)) => (None, Some(pattern)),
        (None, None) => (given(&wish.parent), None),
    };
    Wish {
        organisation: organisation.to_owned(),
        prefix: name,
        under,
        pattern,
        held,
        proof: given(&wish.proof).into_iter().collect(),
        delegation: DelegationData { servers: wish.servers.clone(), below: wish.below, ..DelegationData::default() },
        hosted: wish.hosted,
        ..Wish::default()
    }
}

/// Says which part of the application a refusal is about.
fn in_fields(error: Error, part: &str) -> Error {
    match error {
        Error::Refused(mut refusal) => {
            for field in &mut refusal.fields {
                field.field = format!("{part}.{}", field.field);
            }
            if refusal.fields.is_empty() {
                let (zh, en) = (refusal.zh.clone(), refusal.en.clone());
                refusal.fields.push(FieldRefusal::new(part, refusal.code, zh, en));
            }
            Error::Refused(refusal)
        }
        other => other,
    }
}

impl Act {
    /// Does what the application asks for; says what came of it.
    pub(crate) async fn carry_out(&mut self, application: &mut Application) -> Result<Carried, Error> {
        match application.kind {
            ApplicationKind::Onboarding => self.enter(application).await,
            ApplicationKind::Prefix => {
                Ok(Carried { result: self.allocate_wishes(application).await?, invitation: None })
            }
            ApplicationKind::Amendment => Ok(Carried { result: self.amend(application).await?, invitation: None }),
        }
    }

    /// The enterprise, its documents, its first administrator, its prefixes.
    async fn enter(&mut self, application: &mut Application) -> Result<Carried, Error> {
        let subject = application.content.subject.clone().unwrap_or_default();
        let entered = self.enter_organisation(OrganisationKind::Enterprise, &subject).await?;
        application.organisation = entered.id.clone();
        self.keep_documents(application).await?;
        let first = application.content.administrator.clone().unwrap_or_default();
        let (login, name, email) = (first.login.trim(), first.name.trim(), first.email.trim());
        let invited = self.invite(&entered.id, login, name, email, &[ADMINISTRATOR]).await;
        let invitation = invited.map_err(|error| in_fields(error, "administrator"))?;
        let mut result = self.allocate_wishes(application).await?;
        result["organisation"] = entered.id.into();
        result["account"] = invitation.account.into();
        result["login"] = invitation.login.into();
        Ok(Carried { result, invitation: Some(invitation.token.text()) })
    }

    async fn allocate_wishes(&mut self, application: &Application) -> Result<Json, Error> {
        let mut names = Vec::new();
        for (at, wish) in application.content.prefixes.iter().enumerate() {
            let allocated = self.allocate(&wished(&application.organisation, wish)).await;
            names.push(allocated.map_err(|error| in_fields(error, &format!("prefixes[{at}]")))?.name);
        }
        Ok(json!({"prefixes": names}))
    }

    /// The changes of the amendment, on what the organisation says today.
    async fn amend(&mut self, application: &Application) -> Result<Json, Error> {
        let id = &application.organisation;
        let absent = || Refusal::absent("组织", "organisation", id);
        let before = organisations::find(self.sql(), id).await?.ok_or_else(absent)?;
        let wanted = serde_json::to_value(application.content.subject.clone().unwrap_or_default())?;
        let (merged, changed) = merge(&application.base, &wanted, serde_json::to_value(&before.subject)?)?;
        let subject: Subject = serde_json::from_value(merged)?;
        self.change_subject(&before, &subject).await?;
        self.keep_documents(application).await?;
        Ok(json!({"organisation": id, "changed": changed}))
    }

    /// The documents of the application are the organisation's from now on.
    async fn keep_documents(&mut self, application: &Application) -> Result<(), Error> {
        let update = sqlx::query("UPDATE document SET organisation = $1 WHERE application = $2");
        update.bind(&application.organisation).bind(&application.id).execute(self.sql()).await?;
        Ok(())
    }
}

/// Puts what differs between `base` and `wanted` into `current`; says which fields. Refused: somebody has changed one
/// of them to something else meanwhile.
fn merge(base: &Json, wanted: &Json, mut current: Json) -> Result<(Json, Vec<String>), Refusal> {
    let (mut changed, mut clashes) = (Vec::new(), Vec::new());
    for (name, value) in wanted.as_object().into_iter().flatten() {
        if base.get(name) == Some(value) {
            continue;
        }
        let there = current.get(name);
        if there != base.get(name) && there != Some(value) {
            let (zh, en) = ("该项已被他人修改", "it was changed meanwhile");
            clashes.push(FieldRefusal::new(format!("subject.{name}"), "changed-meanwhile", zh, en));
            continue;
        }
        current[name] = value.clone();
        changed.push(name.clone());
    }
    if clashes.is_empty() {
        return Ok((current, changed));
    }
    let zh = "组织信息在申请期间已变更，请退回申请后重新填写";
    let en = "the organisation was changed meanwhile: return the application to be filled in again";
    Err(Refusal { fields: clashes, ..Refusal::new(Kind::Conflict, "organisation-changed", zh, en) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amendment_changes_what_it_is_about_and_nothing_else() {
        let base = json!({"a": 1, "b": 1, "c": 1});
        let (merged, changed) =
            merge(&base, &json!({"a": 2, "b": 1, "c": 1}), json!({"a": 1, "b": 9, "c": 1})).unwrap();
        assert_eq!((merged, changed), (json!({"a": 2, "b": 9, "c": 1}), vec!["a".to_owned()]));
        let clash = merge(&base, &json!({"a": 2, "b": 1, "c": 1}), json!({"a": 3, "b": 1, "c": 1})).unwrap_err();
        assert_eq!(clash.fields[0].field, "subject.a");
        // Both wanted the same.
        assert!(merge(&base, &json!({"a": 2, "b": 1, "c": 1}), json!({"a": 2, "b": 1, "c": 1})).is_ok());
    }
}
