//! Whether an identity has a right: server administrators, then the record's administrators, then their groups.

use super::{Administration, Claim, Refused, Visitor};
use crate::answering::Found;
use crate::clock;
use hufu_ident::systems::handle::wire::ResponseCode;
use hufu_ident::systems::handle::{AdminRecord, Data, kind, right};
use hufu_ident::{Identifier, Reference, ValueSet, limits};
use hufu_registry::objects::disclosure::Visit;

/// Values of groups read for one decision.
const GROUP_VALUES: usize = 64;

impl Administration {
    /// Passes if the claim stands and its identity has all of `rights` by one administrator record among `records`.
    ///
    /// The right is judged before the proof, as the reference does: RC 400 for the wrong person, RC 403 for the
    /// wrong proof.
    pub(super) async fn authorise(&self, claim: &Claim, rights: u16, records: &[&ValueSet]) -> Result<(), Refused> {
        let Some(identity) = claim.identity() else { return Err(Refused::NeedsProof) };
        if !self.has_right(identity, rights, records).await {
            return Err(Refused::code(ResponseCode::INVALID_ADMIN));
        }
        self.prove(claim).await
    }

    /// Passes if the claim stands and its identity administers the server.
    pub(super) async fn authorise_server(&self, claim: &Claim) -> Result<(), Refused> {
        let Some(identity) = claim.identity() else { return Err(Refused::NeedsProof) };
        if !self.is_server_administrator(identity) {
            return Err(Refused::code(ResponseCode::INVALID_ADMIN));
        }
        self.prove(claim).await
    }

    /// Passes if whoever asks may read the non-public values of a record.
    pub async fn may_read(&self, claim: &Claim, record: &ValueSet) -> Result<(), Refused> {
        self.authorise(claim, right::READ_VALUE, &[record]).await
    }

    /// The values of a record that whoever asks may read: all with the right to read, otherwise the public ones and
    /// those that a grant opens to the proven identity. The refusal stands where there is none of these.
    pub async fn readable(
        &self,
        claim: &Claim,
        name: &Identifier,
        values: &ValueSet,
        visit: &Visitor<'_>,
    ) -> Result<ValueSet, Refused> {
        let refused = match self.may_read(claim, values).await {
            Ok(()) => return Ok(values.clone()),
            Err(refused) => refused,
        };
        let (Some(objects), Some(identity)) = (&self.objects, claim.identity()) else { return Err(refused) };
        // Without a right a wrong proof is no news: the refusal is the same, as the reference has it.
        if self.prove(claim).await.is_err() {
            return Err(refused);
        }
        let reader = identity.to_string();
        let visit_of = Visit {
            door: visit.door,
            reader: &reader,
            organisation: "",
            address: visit.address,
            request: visit.request,
        };
        let at = clock::millis() as hufu_registry::Time;
        let opened = objects.opened_to_identity(name, values, identity, visit.purpose, visit_of, at).await;
        let opened = opened.map_err(|fault| {
            let id = crate::telemetry::incident("grants", &fault);
            Refused::no(ResponseCode::ERROR, format!("Internal Error, incident {id}"))
        })?;
        if opened.is_empty() {
            return Err(refused);
        }
        Ok(values.filtered(|value| value.permissions.public_read() || opened.contains(&value.index)))
    }

    async fn prove(&self, claim: &Claim) -> Result<(), Refused> {
        match claim {
            Claim::Nobody => Err(Refused::NeedsProof),
            Claim::Proven(_) => Ok(()),
            Claim::Proof(proof) => self.identities.verify(proof).await,
        }
    }

    pub fn is_server_administrator(&self, identity: &Reference) -> bool {
        let named =
            |admin: &Reference| admin.same_handle(identity) && (admin.index == 0 || admin.index == identity.index);
        self.rules.server_administrators.iter().any(named)
    }

    async fn has_right(&self, identity: &Reference, rights: u16, records: &[&ValueSet]) -> bool {
        if rights == 0 || (self.rules.full_access && self.is_server_administrator(identity)) {
            return true;
        }
        let mut groups = Vec::new();
        for admin in records.iter().flat_map(|record| administrators(record)).filter(|admin| admin.grants(rights)) {
            if admin.names(identity) {
                return true;
            }
            if admin.admin.index != 0 {
                groups.push(admin.admin);
            }
        }
        self.is_in_groups(identity, groups).await
    }

    /// Breadth-first through HS_VLIST values, each read once.
    async fn is_in_groups(&self, identity: &Reference, mut queue: Vec<Reference>) -> bool {
        let mut next = 0;
        while next < queue.len() && next < GROUP_VALUES {
            let group = queue[next].clone();
            next += 1;
            for member in self.members_of(&group).await {
                if member.same_handle(identity) && (member.index == 0 || member.index == identity.index) {
                    return true;
                }
                if member.index != 0 && !queue.iter().any(|seen| seen.same(&member)) {
                    queue.push(member);
                }
            }
        }
        false
    }

    async fn members_of(&self, group: &Reference) -> Vec<Reference> {
        let name = std::str::from_utf8(&group.handle).ok().and_then(|text| Identifier::parse(text).ok());
        let Some(name) = name else { return Vec::new() };
        let Ok(Found::Values { values, .. }) = self.answering.look_up_anywhere(&name).await else { return Vec::new() };
        let list = values.iter().find(|value| value.index == group.index && value.is_kind(kind::VLIST));
        match list.map(|value| Data::decode(value.kind, value.data)) {
            Some(Ok(Data::ValueList(mut members))) => {
                members.truncate(limits::VALUES_PER_RECORD);
                members
            }
            _ => Vec::new(),
        }
    }

    /// The values of a prefix handle, wherever it lives; empty when it cannot be had.
    pub(super) async fn prefix_record(&self, handle: &Identifier) -> ValueSet {
        let none = || ValueSet::from_values(Vec::new());
        if !self.rules.prefix_administrators {
            return none();
        }
        match self.answering.look_up_anywhere(handle).await {
            Ok(Found::Values { values, .. }) => values,
            _ => none(),
        }
    }
}

fn administrators(record: &ValueSet) -> Vec<AdminRecord> {
    let admins = record.iter().filter(|value| value.is_kind(kind::ADMIN));
    admins.filter_map(|value| AdminRecord::decode(value.data).ok()).collect()
}
