//! Changes of what a secret is bound to: new credentials and consumers, edits, and moved regions.
//!
//! A change is recorded only where the user named it: a region, a key file, or the new host. What
//! an edit leaves as it is must be as recorded; otherwise the edit would accept a change that
//! another program made. Start with `plan_rebinding`; `bindings` verifies the records.

use std::collections::HashMap;

use super::bindings::{
    BindingKey, BindingService, CredentialBinding, RecordedBinding, consumer_record,
    credential_record, describe_origins, hosts_problem, unrecorded_origins,
};
use crate::database::{BindingRecord, BindingSubject, Database};
use crate::domain::consumer::Consumer;
use crate::domain::problem::ProblemClass;
use crate::domain::provider::ProviderCatalog;
use crate::domain::region::Region;
use crate::domain::{Credential, Origin, Problem};
use crate::engine::audit::AuditEvent;
use crate::engine::credential_changes::CredentialEdit;
use crate::engine::secrets::bound_secrets::KEY_FILE_FIELD;

/// Records that an edit changes, together with the credential.
#[derive(Default)]
pub(in crate::engine) struct RebindingPlan {
    /// The records.
    pub(in crate::engine) records: Vec<BindingRecord>,
    /// What was accepted, for the audit log.
    pub(in crate::engine) remarks: Vec<String>,
}

impl BindingService {
    /// Records with the key that the store has now, after that key has changed, the hosts of the
    /// built-in regions, and the credentials in regions with these hosts. Only the old key could
    /// tell whether anything else was changed meanwhile; returns what that is.
    pub(in crate::engine) async fn record_with_new_key(&self) -> Result<Vec<String>, Problem> {
        let Some(key) = self.binding_key().await? else { return Ok(Vec::new()) };
        let (mut records, mut unconfirmed) = (Vec::new(), Vec::new());
        let builtin = ProviderCatalog::builtin();
        for provider in builtin.providers().filter(|known| known.regions_of.is_none()) {
            for region in &provider.regions {
                let subject = self.region_subject(&provider.id, region)?;
                records.push(key.seal(subject, &region.bound_origins()));
            }
        }
        for credential in self.database.credentials().await? {
            let region = self.catalog.region(&credential.provider, &credential.region);
            let has_builtin_hosts =
                region.is_ok_and(|region| self.has_builtin_hosts(&credential.provider, region));
            if has_builtin_hosts && !credential.fields.contains_key(KEY_FILE_FIELD) {
                records.push(credential_record(key, &credential));
            } else {
                unconfirmed.push(credential.name.to_string());
            }
        }
        let consumers = self.database.run(Database::all_consumers).await?;
        unconfirmed.extend(consumers.iter().map(|consumer| format!("consumer {}", consumer.name)));
        self.write_first_records(records).await?;
        Ok(unconfirmed)
    }

    /// Records what a new credential is bound to. Its region must have the recorded hosts; the
    /// first credential of a private region records them.
    pub(in crate::engine) async fn bind_new_credential(
        &self,
        credential: &Credential,
    ) -> Result<(), Problem> {
        let Some(key) = self.recording_key().await? else { return Ok(()) };
        let region = self.catalog.region(&credential.provider, &credential.region)?;
        let mut records = vec![credential_record(key, credential)];
        records.extend(self.record_chosen_region(key, credential, region, &[]).await?);
        self.database.run(move |index| index.put_bindings(&records)).await
    }

    /// Returns the records of many new credentials, or why a credential cannot be bound. The hosts
    /// of a region are compared once for all of its credentials.
    pub(in crate::engine) async fn new_credential_records(
        &self,
        credentials: &[Credential],
    ) -> Result<Vec<Result<Vec<BindingRecord>, Problem>>, Problem> {
        let Some(key) = self.recording_key().await? else {
            return Ok(credentials.iter().map(|_| Ok(Vec::new())).collect());
        };
        let mut chosen = HashMap::new();
        let mut records = Vec::with_capacity(credentials.len());
        for credential in credentials {
            let region = (credential.provider.clone(), credential.region.clone());
            if !chosen.contains_key(&region) {
                let record = match self.catalog.region(&credential.provider, &credential.region) {
                    Ok(found) => self.record_chosen_region(key, credential, found, &[]).await,
                    Err(error) => Err(error.into()),
                };
                chosen.insert(region.clone(), record);
            }
            let of_region = chosen[&region].clone();
            records.push(of_region.map(|of_region| {
                of_region.into_iter().chain([credential_record(key, credential)]).collect()
            }));
        }
        Ok(records)
    }

    /// Returns the records of new consumers.
    pub(in crate::engine) async fn new_consumer_records(
        &self,
        consumers: &[Consumer],
    ) -> Result<Vec<BindingRecord>, Problem> {
        let key = self.recording_key().await?;
        Ok(key
            .into_iter()
            .flat_map(|key| consumers.iter().map(|one| consumer_record(key, one)))
            .collect())
    }

    /// Records the hosts of a private region that nothing uses yet, because the user chose it.
    pub(in crate::engine) async fn bind_unused_region(
        &self,
        provider: &str,
        region: &Region,
    ) -> Result<(), Problem> {
        let Some(key) = self.recording_key().await? else { return Ok(()) };
        match self.first_region_record(key, provider, region).await? {
            Some(record) => self.database.run(move |index| index.put_bindings(&[record])).await,
            None => Ok(()),
        }
    }

    /// Records what a new consumer is bound to.
    pub(in crate::engine) async fn bind_new_consumer(
        &self,
        consumer: &Consumer,
    ) -> Result<(), Problem> {
        let Some(key) = self.recording_key().await? else { return Ok(()) };
        let record = consumer_record(key, consumer);
        self.database.run(move |index| index.put_bindings(&[record])).await
    }

    /// Returns the records that an edit changes. Fails where another program has changed what the
    /// edit leaves as it is.
    pub(in crate::engine) async fn plan_rebinding(
        &self,
        before: &Credential,
        edit: &CredentialEdit,
    ) -> Result<RebindingPlan, Problem> {
        let mut after = before.clone();
        if let Some(region) = &edit.region {
            after.region.clone_from(region);
        }
        let new_file = edit.fields.get(KEY_FILE_FIELD);
        match new_file.filter(|path| !path.is_empty()) {
            Some(path) => drop(after.fields.insert(KEY_FILE_FIELD.to_owned(), path.clone())),
            None if new_file.is_some() => drop(after.fields.remove(KEY_FILE_FIELD)),
            None => {}
        }
        if after == *before && new_file.is_none() && edit.accepted_hosts.is_empty() {
            return Ok(RebindingPlan::default());
        }
        self.check_hosts_known(before, &edit.accepted_hosts)?;
        let Some(key) = self.recording_key().await? else { return Ok(RebindingPlan::default()) };
        let region = self.catalog.region(&after.provider, &after.region)?;
        self.check_unedited_binding(key, before, edit, region).await?;
        let mut plan = RebindingPlan::default();
        plan.records.push(credential_record(key, &after));
        let chosen = if edit.region.is_some() {
            self.record_chosen_region(key, &after, region, &edit.accepted_hosts).await?
        } else {
            self.record_accepted_region(key, &after, region, &edit.accepted_hosts).await?
        };
        plan.records.extend(chosen);
        for other in self.catalog.regions(&after.provider)?.iter().filter(|other| *other != region)
        {
            let accepted =
                self.record_accepted_region(key, &after, other, &edit.accepted_hosts).await;
            plan.records.extend(accepted.ok().flatten());
        }
        if edit.region.is_some() {
            plan.remarks.push(self.describe_switch(before, &after));
        }
        if !edit.accepted_hosts.is_empty() {
            plan.remarks.push(format!("accepted {}", describe_origins(&edit.accepted_hosts)));
        }
        Ok(plan)
    }

    /// Returns whether the hosts of a region are recorded, with the key of any store. Does not open
    /// the store.
    pub async fn region_hosts_recorded(
        &self,
        provider: &str,
        region: &Region,
    ) -> Result<bool, Problem> {
        let subject = self.region_subject(provider, region)?;
        self.database.run(move |index| index.has_binding(&subject)).await
    }

    /// Returns whether a region is built-in or some credential belongs to it, so that moving it
    /// moves secrets.
    pub async fn is_region_in_use(&self, provider: &str, region: &Region) -> Result<bool, Problem> {
        let owner = self.catalog.region_owner(provider)?.id.clone();
        if ProviderCatalog::builtin().region(&owner, &region.id).is_ok() {
            return Ok(true);
        }
        let has_owner = |credential: &Credential| {
            self.catalog.region_owner(&credential.provider).is_ok_and(|known| known.id == owner)
        };
        Ok(self.database.credentials().await?.iter().any(|credential| {
            credential.region.eq_ignore_ascii_case(&region.id) && has_owner(credential)
        }))
    }

    /// Records the hosts of a region that the user has just moved.
    pub async fn accept_region_hosts(
        &self,
        provider: &str,
        region: &Region,
    ) -> Result<(), Problem> {
        let Some(key) = self.recording_key().await? else { return Ok(()) };
        let record = key.seal(self.region_subject(provider, region)?, &region.bound_origins());
        self.database.run(move |index| index.put_bindings(&[record])).await
    }

    /// Records in the audit log that a region was added or moved.
    pub async fn record_region_change(
        &self,
        provider: &str,
        before: Option<&Region>,
        after: &Region,
    ) -> Result<(), Problem> {
        let hosts = describe_origins(&after.bound_origins());
        let (outcome, hosts) = match before {
            Some(before) => {
                ("moved", format!("{} → {hosts}", describe_origins(&before.bound_origins())))
            }
            None => ("added", hosts),
        };
        let reason = format!("{provider} {}: {hosts}", after.id);
        self.audit.record(AuditEvent::new("region", outcome).with_reason(reason)).await
    }

    /// Describes a switch to another region, with the hosts of both.
    pub(in crate::engine) fn describe_switch(
        &self,
        before: &Credential,
        after: &Credential,
    ) -> String {
        let describe = |credential: &Credential| {
            let id = &credential.region;
            match self.catalog.region(&credential.provider, id) {
                Ok(region) => format!("{id} ({})", describe_origins(&region.bound_origins())),
                Err(_) => id.clone(),
            }
        };
        format!("{} → {}", describe(before), describe(after))
    }

    /// Checks that what an edit leaves as it is, is as recorded.
    async fn check_unedited_binding(
        &self,
        key: &BindingKey,
        before: &Credential,
        edit: &CredentialEdit,
        region: &Region,
    ) -> Result<(), Problem> {
        let subject = BindingSubject::Credential(before.id.clone());
        let recorded = self.recorded_binding::<CredentialBinding>(key, subject).await?;
        let (known, now) = (recorded.valid(), CredentialBinding::for_credential(before));
        let hosts = region.bound_origins();
        let names_host = edit.accepted_hosts.iter().any(|host| hosts.contains(host));
        let has_region = known.is_some_and(|known| {
            known.provider == now.provider && (edit.region.is_some() || known.region == now.region)
        });
        if !has_region && !names_host {
            return Err(self.credential_problem(before, &recorded));
        }
        let has_key_file =
            known.map_or(now.key_file.is_none(), |known| known.key_file == now.key_file);
        if has_key_file || edit.fields.contains_key(KEY_FILE_FIELD) {
            return Ok(());
        }
        let key_file = known.and_then(|known| known.key_file.clone());
        let unedited = RecordedBinding::Valid(CredentialBinding { key_file, ..now });
        Err(self.credential_problem(before, &unedited))
    }

    /// Returns the record of a region that the user chose for a credential. A private region that
    /// nothing uses yet gets its first record.
    async fn record_chosen_region(
        &self,
        key: &BindingKey,
        credential: &Credential,
        region: &Region,
        accepted: &[Origin],
    ) -> Result<Option<BindingRecord>, Problem> {
        match self.first_region_record(key, &credential.provider, region).await? {
            Some(record) => Ok(Some(record)),
            None => self.record_accepted_region(key, credential, region, accepted).await,
        }
    }

    /// Returns the first record of a private region that nothing uses yet.
    async fn first_region_record(
        &self,
        key: &BindingKey,
        provider: &str,
        region: &Region,
    ) -> Result<Option<BindingRecord>, Problem> {
        let subject = self.region_subject(provider, region)?;
        let recorded = self.recorded_binding::<Vec<Origin>>(key, subject.clone()).await?;
        let is_first = recorded == RecordedBinding::Missing
            && !self.is_region_in_use(provider, region).await?;
        Ok(is_first.then(|| key.seal(subject, &region.bound_origins())))
    }

    /// Returns the record of a region whose new hosts the user has named; `None` if its hosts are
    /// the recorded ones.
    async fn record_accepted_region(
        &self,
        key: &BindingKey,
        credential: &Credential,
        region: &Region,
        accepted: &[Origin],
    ) -> Result<Option<BindingRecord>, Problem> {
        let subject = self.region_subject(&credential.provider, region)?;
        let recorded = self.recorded_binding::<Vec<Origin>>(key, subject.clone()).await?;
        let now = region.bound_origins();
        if recorded.valid() == Some(&now)
            || (recorded == RecordedBinding::Missing
                && self.has_builtin_hosts(&credential.provider, region))
        {
            return Ok(None);
        }
        let known = recorded.valid().map(Vec::as_slice).unwrap_or_default();
        let missing = unrecorded_origins(&now, known);
        if missing.iter().all(|origin| accepted.contains(origin)) {
            return Ok(Some(key.seal(subject, &now)));
        }
        Err(hosts_problem(region, &recorded, Some(credential)))
    }

    /// Rejects a host that belongs to no region of the provider.
    fn check_hosts_known(&self, credential: &Credential, hosts: &[Origin]) -> Result<(), Problem> {
        let regions = self.catalog.regions(&credential.provider)?;
        let known: Vec<_> = regions.iter().flat_map(Region::bound_origins).collect();
        hosts.iter().find(|host| !known.contains(host)).map_or(Ok(()), |unknown| {
            let why = format!("{unknown} is not a host of {}", credential.provider);
            let remedy =
                "give the host that the provider files name; `tokenring regions` lists them";
            Err(Problem::new("No host was accepted", why, remedy).with_class(ProblemClass::Usage))
        })
    }
}
