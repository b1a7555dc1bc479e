//! The stream worker, started as Lambda does for the table's stream; and time, which passes when we say so.

use std::time::{SystemTime, UNIX_EPOCH};

use harness::Result;
use harness::stack::text;
use serde_json::{Map, Value, json};

use crate::aws::key_of;
use crate::fault::Fault;
use crate::lane::{Lane, Outcome, Request};
use crate::wire::Change;

/// As the event source mapping has it.
const BATCH: usize = 10;
/// So often a record that fails is tried.
const TRIES: usize = 5;
/// A time that nothing is kept for.
pub const FOR_EVER: i64 = i64::MAX;

impl Lane {
    /// Lets the worker handle what the stream says, until the stream says no more.
    pub fn settle(&mut self) -> Result<()> {
        loop {
            let mut records = self.records();
            if records.is_empty() {
                return Ok(());
            }
            let mut failures = 0;
            while !records.is_empty() {
                let outcome = self.handle(&records, None)?;
                records = unhandled(records, &outcome);
                failures += 1;
                if failures > TRIES + BATCH {
                    return Err(format!("the worker fails again and again: {}", outcome.reply.raw).into());
                }
            }
        }
    }

    /// What the stream says, as far as the worker is started for it.
    pub fn records(&mut self) -> Vec<Value> {
        let changes = self.wire.take_changes();
        let records = changes.iter().enumerate().map(|(number, change)| record(change, number));
        let wanted = |record: &Value| self.setting.filters.iter().any(|filter| matches(filter, record));
        records.filter(wanted).collect()
    }

    /// Hands the first records to the worker.
    pub fn handle(&mut self, records: &[Value], fault: Option<&Fault>) -> Result<Outcome> {
        let batch = &records[..records.len().min(BATCH)];
        self.invoke(&Request::internal("purge-files", json!({ "Records": batch })), fault)
    }

    /// Time passes: what runs out within so many seconds from now is removed by the time to live, the rest stays.
    pub fn pass_time(&mut self, seconds: i64) -> Result<()> {
        for _ in 0..TRIES {
            let until = now().saturating_add(seconds);
            let due = |item: &Value| expiry(item).is_some_and(|at| at <= until);
            let due: Vec<Value> = self.wire.items().into_iter().filter(due).collect();
            if due.is_empty() {
                return Ok(());
            }
            for item in due {
                self.wire.delete(&item)?;
            }
            self.settle()?;
        }
        Err("what runs out comes back again and again".into())
    }
}

/// The records that Lambda sends again.
pub fn unhandled(records: Vec<Value>, outcome: &Outcome) -> Vec<Value> {
    let sent = records.len().min(BATCH);
    let Some(failures) = outcome.reply.raw["batchItemFailures"].as_array() else {
        return records;
    };
    let failed = |record: &&Value| {
        failures.iter().any(|failure| failure["itemIdentifier"] == record["dynamodb"]["SequenceNumber"])
    };
    let handled = records.iter().take(sent).take_while(|record| !failed(record)).count();
    records.into_iter().skip(handled).collect()
}

fn record(change: &Change, number: usize) -> Value {
    let image = change.after.as_ref().or(change.before.as_ref()).cloned().unwrap_or_default();
    let mut stream = json!({
        "ApproximateCreationDateTime": now(),
        "Keys": key_of(&image),
        "SequenceNumber": format!("{:021}", number + 1),
        "SizeBytes": 200,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    });
    if let Some(after) = &change.after {
        stream["NewImage"] = after.clone();
    }
    if let Some(before) = &change.before {
        stream["OldImage"] = before.clone();
        if let Some(at) = expiry(before).filter(|_| change.has_run_out) {
            // For the worker it is now, whenever that is.
            stream["OldImage"]["expires_at"] = json!({ "N": at.min(now() - 1).to_string() });
        }
    }
    let name = match change {
        Change { before: None, .. } => "INSERT",
        Change { after: None, .. } => "REMOVE",
        _ => "MODIFY",
    };
    let mut record = json!({
        "eventID": number.to_string(),
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "dynamodb": stream,
        "eventSourceARN": "arn:aws:dynamodb:eu-central-1:000000000000:table/faults/stream/2026-01-01T00:00:00.000",
    });
    if change.has_run_out {
        record["userIdentity"] = json!({ "type": "Service", "principalId": "dynamodb.amazonaws.com" });
    }
    record
}

fn expiry(item: &Value) -> Option<i64> {
    text(&item["expires_at"]["N"]).parse().ok()
}

fn now() -> i64 {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    i64::try_from(seconds).unwrap_or_default()
}

/// Whether Lambda's filter lets a record through: as far as our patterns go, equal texts and whether there is
/// something.
fn matches(pattern: &Value, record: &Value) -> bool {
    let empty = Map::new();
    pattern.as_object().unwrap_or(&empty).iter().all(|(name, wanted)| match wanted {
        Value::Array(any) => any.iter().any(|rule| match rule["exists"].as_bool() {
            Some(exists) => exists != record[name.as_str()].is_null(),
            None => *rule == record[name.as_str()],
        }),
        nested => matches(nested, &record[name.as_str()]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_compare_texts_and_ask_whether_there_is_something() {
        let record = json!({ "eventName": "REMOVE", "dynamodb": { "OldImage": { "state": { "S": "pending" } } } });
        let state =
            |rule: Value| json!({ "eventName": ["REMOVE"], "dynamodb": { "OldImage": { "state": { "S": [rule] } } } });
        assert!(matches(&state(json!("pending")), &record));
        assert!(matches(&state(json!({ "exists": true })), &record));
        assert!(!matches(&state(json!("saved")), &record));
        assert!(!matches(&json!({ "dynamodb": { "NewImage": { "state": { "S": [{ "exists": true }] } } } }), &record));
    }
}
