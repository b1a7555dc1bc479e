//! Least privilege: each function's role can do exactly what its operation needs.

use crate::{
    admin,
    stack::{Stack, s3_client},
};
use aws_sdk_dynamodb::{
    error::ProvideErrorMetadata,
    types::{AttributeValue, ConditionCheck, DeleteRequest, KeysAndAttributes, TransactWriteItem, WriteRequest},
};
use aws_sdk_s3::types::{Tag, Tagging};
use std::collections::HashMap;

/// An action on an object of a kind, on the table, or on a secret.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Probe {
    Put(&'static str),
    Get(&'static str),
    Tag(&'static str),
    Delete(&'static str),
    List,
    ListPreviews,
    Query,
    Scan,
    GetItem,
    BatchGetItem,
    BatchWriteItem,
    PutItem,
    UpdateItem,
    DeleteItem,
    ConditionCheckItem,
    SigningKey,
    OtherSecret,
}
use Probe::*;

const TEMP: &str = "temp/123/";
const PUBLIC: &str = "temp/public/";
const SAVED: &str = "123/";
const PREVIEW: &str = "previews/123/";

const PROBES: &[Probe] = &[
    Put(TEMP),
    Put(PUBLIC),
    Put(SAVED),
    Get(TEMP),
    Get(PUBLIC),
    Get(SAVED),
    Tag(TEMP),
    Tag(PUBLIC),
    Tag(SAVED),
    Delete(TEMP),
    Delete(PUBLIC),
    Delete(SAVED),
    Put(PREVIEW),
    Get(PREVIEW),
    Tag(PREVIEW),
    Delete(PREVIEW),
    List,
    ListPreviews,
    Query,
    Scan,
    GetItem,
    BatchGetItem,
    BatchWriteItem,
    PutItem,
    UpdateItem,
    DeleteItem,
    ConditionCheckItem,
    SigningKey,
    OtherSecret,
];

// `List`, because AWS answers a role that may not list the whole bucket with 403 where an object is missing. The
// emulator answers 404 to everybody, so no other test here would notice.
const PURGE: &[Probe] =
    &[GetItem, Query, PutItem, BatchWriteItem, Tag(SAVED), Delete(SAVED), Delete(PREVIEW), List, ListPreviews];
const PREVIEWS_OF_FILES: &[Probe] =
    &[GetItem, List, ListPreviews, Get(SAVED), Get(PREVIEW), Put(PREVIEW), Delete(PREVIEW)];
const PREVIEWS_OF_S3REFS: &[Probe] =
    &[GetItem, List, ListPreviews, Get(TEMP), Get(PUBLIC), Get(SAVED), Get(PREVIEW), Put(PREVIEW), Delete(PREVIEW)];

/// What each role may do; every other probe must be denied.
const MAY: &[(&str, &[Probe])] = &[
    ("UploadFileFunction", &[Put(TEMP), Put(PUBLIC)]),
    ("UploadFilePublicFunction", &[Put(PUBLIC)]),
    ("CheckUploadFunction", &[Get(TEMP), Get(PUBLIC), Delete(TEMP), Delete(PUBLIC), List, ListPreviews]),
    (
        "SaveFileFunction",
        &[
            Get(TEMP),
            Get(PUBLIC),
            Delete(TEMP),
            Delete(PUBLIC),
            Get(SAVED),
            Put(SAVED),
            Tag(SAVED),
            Delete(SAVED),
            List,
            ListPreviews,
            GetItem,
            Query,
            PutItem,
            DeleteItem,
        ],
    ),
    ("GetFileFunction", &[Query, Get(SAVED)]),
    ("ListFileVersionsFunction", &[GetItem, Query]),
    ("DownloadFileFunction", &[GetItem, Get(SAVED), SigningKey]),
    ("DownloadFilesFunction", &[BatchGetItem, Get(SAVED), SigningKey]),
    ("DownloadS3FileFunction", &[GetItem, List, ListPreviews, Get(TEMP), Get(PUBLIC), Get(SAVED)]),
    ("PreviewFileFunction", PREVIEWS_OF_FILES),
    ("PreviewPublicFileFunction", PREVIEWS_OF_FILES),
    ("PreviewS3FileFunction", PREVIEWS_OF_S3REFS),
    ("PreviewS3FileGetFunction", PREVIEWS_OF_S3REFS),
    ("VerifyCustomDownloadUrlFunction", &[SigningKey]),
    ("GetSessionFunction", &[]),
    ("DeleteSessionFunction", &[]),
    ("DeleteFileFunction", PURGE),
    ("GetUserSchemaFileCollectionsFunction", &[Query]),
    ("CreateUserSchemaFileCollectionFunction", &[Query, PutItem]),
    ("UpdateUserSchemaFileCollectionFunction", &[Query, PutItem]),
    ("DeleteUserSchemaFileCollectionFunction", &[Query, PutItem, DeleteItem]),
    ("GetGlobalFileCollectionsFunction", &[Query]),
    ("CreateGlobalFileCollectionFunction", &[Query, PutItem]),
    ("UpdateGlobalFileCollectionFunction", &[Query, PutItem]),
    ("DeleteGlobalFileCollectionFunction", &[Query, PutItem, DeleteItem]),
    ("GetFilesInCollectionFunction", &[Query, BatchGetItem]),
    ("GeneratePublicLinkFunction", &[GetItem, PutItem, ConditionCheckItem]),
    ("ListPublicLinksForFileFunction", &[GetItem, Query]),
    ("AccessPublicLinkFunction", &[GetItem, UpdateItem, Get(SAVED), SigningKey]),
    ("RevokePublicLinkFunction", &[GetItem, DeleteItem]),
    ("PurgeFilesFunction", PURGE),
];

#[tokio::test]
async fn each_role_can_do_what_its_operation_needs_and_nothing_beside_it() {
    let stack = Stack::new();
    for (function, may) in MAY {
        let config = admin::as_role_of(&stack, function).await;
        for probe in PROBES {
            let allowed = is_allowed(&stack, &config, *probe).await;
            assert_eq!(allowed, may.contains(probe), "{function} {probe:?}");
        }
    }
}

async fn is_allowed(stack: &Stack, config: &aws_types::SdkConfig, probe: Probe) -> bool {
    let s3 = s3_client(config);
    let table = aws_sdk_dynamodb::Client::new(config);
    let secrets = aws_sdk_secretsmanager::Client::new(config);
    let bucket = &stack.bucket;
    let object = |prefix: &str| format!("{prefix}{}/probe", uuid::Uuid::new_v4());
    // An object to act on, so that nothing is refused for want of one.
    let existing = async |prefix: &str| {
        let key = object(prefix);
        stack.s3.put_object().bucket(bucket).key(&key).send().await.unwrap();
        key
    };
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let pk = format!("PROBE#{}", uuid::Uuid::new_v4());
    let code = match probe {
        Put(prefix) => code_of(s3.put_object().bucket(bucket).key(object(prefix)).send().await),
        Get(prefix) => code_of(s3.get_object().bucket(bucket).key(existing(prefix).await).send().await),
        Delete(prefix) => code_of(s3.delete_object().bucket(bucket).key(existing(prefix).await).send().await),
        Tag(prefix) => {
            let tags = Tagging::builder().tag_set(Tag::builder().key("a").value("b").build().unwrap()).build().unwrap();
            code_of(s3.put_object_tagging().bucket(bucket).key(existing(prefix).await).tagging(tags).send().await)
        }
        List => code_of(s3.list_objects_v2().bucket(bucket).max_keys(1).send().await),
        ListPreviews => code_of(s3.list_objects_v2().bucket(bucket).prefix(PREVIEW).max_keys(1).send().await),
        Query => {
            let query = table.query().table_name(&stack.table).key_condition_expression("pk = :pk");
            code_of(query.expression_attribute_values(":pk", text(&pk)).send().await)
        }
        Scan => code_of(table.scan().table_name(&stack.table).limit(1).send().await),
        GetItem => {
            code_of(table.get_item().table_name(&stack.table).key("pk", text(&pk)).key("sk", text("x")).send().await)
        }
        BatchGetItem => {
            let key = HashMap::from([("pk".to_owned(), text(&pk)), ("sk".to_owned(), text("x"))]);
            let keys = KeysAndAttributes::builder().keys(key).build().unwrap();
            code_of(table.batch_get_item().request_items(&stack.table, keys).send().await)
        }
        BatchWriteItem => {
            let key = HashMap::from([("pk".to_owned(), text(&pk)), ("sk".to_owned(), text("x"))]);
            let delete = DeleteRequest::builder().set_key(Some(key)).build().unwrap();
            let write = WriteRequest::builder().delete_request(delete).build();
            code_of(table.batch_write_item().request_items(&stack.table, vec![write]).send().await)
        }
        PutItem => {
            code_of(table.put_item().table_name(&stack.table).item("pk", text(&pk)).item("sk", text("x")).send().await)
        }
        UpdateItem => {
            code_of(table.update_item().table_name(&stack.table).key("pk", text(&pk)).key("sk", text("x")).send().await)
        }
        DeleteItem => {
            code_of(table.delete_item().table_name(&stack.table).key("pk", text(&pk)).key("sk", text("x")).send().await)
        }
        ConditionCheckItem => {
            let check =
                ConditionCheck::builder().table_name(&stack.table).condition_expression("attribute_not_exists(pk)");
            let check = check.key("pk", text(&pk)).key("sk", text("x")).build().unwrap();
            let action = TransactWriteItem::builder().condition_check(check).build();
            code_of(table.transact_write_items().transact_items(action).send().await)
        }
        SigningKey => code_of(secrets.get_secret_value().secret_id(&stack.url_signing_secret).send().await),
        OtherSecret => {
            let name = format!("probe-{}", uuid::Uuid::new_v4());
            stack.secrets.create_secret().name(&name).secret_string("secret").send().await.unwrap();
            let code = code_of(secrets.get_secret_value().secret_id(&name).send().await);
            let delete = stack.secrets.delete_secret().secret_id(&name).force_delete_without_recovery(true);
            delete.send().await.unwrap();
            code
        }
    };
    match code.as_deref() {
        None => true,
        Some("AccessDenied" | "AccessDeniedException") => false,
        Some(other) => panic!("{probe:?} failed with {other}"),
    }
}

fn code_of<T, E: ProvideErrorMetadata>(result: Result<T, E>) -> Option<String> {
    result.err().map(|error| error.code().unwrap_or("no code").to_owned())
}
