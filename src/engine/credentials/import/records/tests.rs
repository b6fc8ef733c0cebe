//! Tests of lists: each format as it is recognized and read, and what is refused.

use super::*;

fn summary(record: &ImportRecord) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let secret = record.secret.as_ref().map_or(0, |secret| secret.len());
    format!(
        "{}: {}{} {}/{}@{} {secret} parts {:?} fields {:?} {:?} labels {:?} {:?}{}",
        record.location,
        text(&record.name),
        record.title.as_ref().map(|title| format!("~{title}")).unwrap_or_default(),
        text(&record.provider),
        text(&record.kind),
        text(&record.region),
        record.parts.keys().collect::<Vec<_>>(),
        record.fields,
        record.possible_fields,
        record.labels,
        record.addresses,
        record.rejection.as_ref().map(|why| format!(" REJECTED {why}")).unwrap_or_default(),
    )
}

/// Every format of a list, as it is recognized and read.
#[test]
fn lists_are_recognized_and_read_record_by_record() {
    for (content, format, expected) in [
        (
            "[\n {\"name\": \"ci\", \"provider\": \"snyk\", \"kind\": \"k\", \"region\": \"r\", \"secret\": \"s3cret-1\",\n \
             \"fields\": {\"org_id\": \"o\"}, \"labels\": [\"prod\"], \"parts\": {\"p\": \"x\"}, \"status\": \"accepted\", \"last_check\": null},\n \
             {\"secret\": \"s3cret-2\", \"labels\": null},\n {\"secret\": 7},\n 5 ]",
            None,
            &[][..],
        ),
        (
            "[\n {\"name\": \"ci\", \"provider\": \"snyk\", \"kind\": \"k\", \"region\": \"r\", \"secret\": \"s3cret-1\",\n \
             \"fields\": {\"org_id\": \"o\"}, \"labels\": [\"prod\"], \"parts\": {\"p\": \"x\"}, \"status\": \"accepted\", \"last_check\": null},\n \
             {\"secret\": \"s3cret-2\", \"labels\": null},\n {\"secret\": 7}]",
            Some(ListFormat::JsonArray),
            &[
                "record 1 (line 2): ci snyk/k@r 8 parts [\"p\"] fields {\"org_id\": \"o\"} {} labels [\"prod\"] []",
                "record 2 (line 4):  /@ 8 parts [] fields {} {} labels [] []",
                "record 3 (line 5):  /@ 0 parts [] fields {} {} labels [] [] REJECTED the member \"secret\" does not have the right type",
            ],
        ),
        (
            "{\"name\": \"a\", \"secret\": \"s3cret-1\"}\n\n{\"name\": \"b\", secret\n",
            Some(ListFormat::JsonLines),
            &[
                "line 1: a /@ 8 parts [] fields {} {} labels [] []",
                "line 3:  /@ 0 parts [] fields {} {} labels [] [] REJECTED the record is not a JSON object",
            ],
        ),
        (
            "Name,Provider,Secret,Labels,Org_ID,field:x,part:p\r\n\"a, b\",snyk,s3cret-1,\"prod; eu\",o,1,q\r\nshort,row\r\n",
            Some(ListFormat::Csv),
            &[
                "line 2: a, b snyk/@ 8 parts [\"p\"] fields {\"x\": \"1\"} {\"org_id\": \"o\"} labels [\"prod\", \"eu\"] []",
                "line 3:  /@ 0 parts [] fields {} {} labels [] [] REJECTED the line has 2 values, the header has 7",
            ],
        ),
        (
            "Title,Url,Username,Password,OTPAuth,Favorite,Archived,Tags,Notes\nSnyk CI,https://api.eu.snyk.io,me,s3cret-1,,false,false,prod,\"two\nlines\"\nNext,,,s3cret-2,,,,,\n",
            Some(ListFormat::Csv),
            &[
                "line 2: ~Snyk CI /@ 8 parts [] fields {} {} labels [\"prod\"] [\"https://api.eu.snyk.io\"]",
                "line 4: ~Next /@ 8 parts [] fields {} {} labels [] []",
            ],
        ),
        (
            "folder,favorite,type,name,notes,fields,reprompt,login_uri,login_username,login_password,login_totp\nwork,,login,Snyk,,\"Org ID: o-1\",0,https://app.snyk.io,me,s3cret-1,\n",
            Some(ListFormat::Csv),
            &[
                "line 2: ~Snyk /@ 8 parts [] fields {} {\"org_id\": \"o-1\"} labels [] [\"https://app.snyk.io\"]",
            ],
        ),
        ("SNYK_TOKEN=x\n", None, &[]),
        ("{\"api\": \"x\", \"secret\": \"y\"}", None, &[]),
        ("[\"x\"]", None, &[]),
        ("[]", None, &[]),
        ("name,age\nx,1\n", None, &[]),
        ("", None, &[]),
    ] {
        let found = detect_list(content.as_bytes());
        assert_eq!(found, format, "{content}");
        let records =
            found.map(|format| read_list(content.as_bytes(), format).unwrap()).unwrap_or_default();
        assert_eq!(records.iter().map(summary).collect::<Vec<_>>(), expected, "{content}");
    }
}

#[test]
fn a_list_that_is_named_is_read_although_it_is_not_certain() {
    let read = |content: &str| {
        read_any_list(content.as_bytes())
            .map(|records| records.iter().map(summary).collect::<Vec<_>>())
    };
    assert_eq!(
        read("[{\"name\": \"x\"}, 5]").unwrap()[1],
        "record 2 (line 1):  /@ 0 parts [] fields {} {} labels [] [] REJECTED the record is not a JSON object"
    );
    assert_eq!(read("token\ns3cret-1\n").unwrap().len(), 1);
    assert_eq!(read(" ").unwrap(), [""; 0]);
    assert!(matches!(read("a,b\n1,2"), Err(ListError::Malformed { line: 1, .. })));
    assert!(matches!(read("[\n{\"a\":"), Err(ListError::Malformed { line: 2, .. })));
    assert_eq!(
        read_any_list(b"\xff\xfe").err(),
        Some(ListError::Unreadable("the content is not UTF-8 text"))
    );
}

#[test]
fn an_array_is_recognized_by_its_first_elements_and_long_lists_are_refused() {
    let element = "{\"secret\": \"s3cret-1\"},";
    let damaged = format!("[{}!", element.repeat(EXAMINED_ELEMENTS));
    assert_eq!(detect_list(damaged.as_bytes()), Some(ListFormat::JsonArray));
    let short = format!("[{}!", element.repeat(EXAMINED_ELEMENTS - 1));
    assert_eq!(detect_list(short.as_bytes()), None);
    for long in [
        format!("[{}5]", "5,".repeat(MAX_RECORDS)),
        format!("{{\n{}", "5\n".repeat(MAX_RECORDS)),
        format!("token\n{}", "5\n".repeat(MAX_RECORDS + 1)),
    ] {
        assert_eq!(read_any_list(long.as_bytes()).err(), Some(ListError::TooManyRecords));
    }
}

#[test]
fn a_quote_that_is_not_closed_is_refused_with_its_lines() {
    for (rows, expected) in [
        ("\"a,s3cret-1\nb,s3cret-2\n", "the lines 2 to 3: a quote is not closed"),
        ("a,\"s3cret-1\nb,s3cret-2\n", "the lines 2 to 3: a quote is not closed"),
        ("a,\"s3cret-1\r\nb,\"s3cret-2\"\r\n", "the lines 2 to 3: a quote is not closed"),
        ("a\n", "the line has 1 value, the header has 2"),
    ] {
        let records = read_any_list(format!("name,secret\n{rows}").as_bytes()).unwrap();
        let rejection = records[0].rejection.as_deref().unwrap_or_default();
        assert!(records.len() == 1 && rejection.starts_with(expected), "{rows}: {rejection}");
    }
    let closed = read_any_list(b"name,secret\n\"a\nb\",s3cret-1\nc,s3cret-2\n").unwrap();
    let places: Vec<_> = closed.iter().map(|record| record.location.as_str()).collect();
    assert_eq!(places, ["line 2", "line 4"]);
    assert!(closed.iter().all(|record| record.rejection.is_none()));
}

#[test]
fn the_header_names_the_separator_and_no_column_or_member_twice() {
    for text in ["name;secret;labels\na,b;s3cret-1;x\n", "name\tsecret\tlabels\na,b\ts3cret-1\tx\n"]
    {
        assert_eq!(detect_list(text.as_bytes()), Some(ListFormat::Csv));
        let records = read_any_list(text.as_bytes()).unwrap();
        let expected = "line 2: a,b /@ 8 parts [] fields {} {} labels [\"x\"] []";
        assert_eq!(records.iter().map(summary).collect::<Vec<_>>(), [expected]);
    }
    assert_eq!(
        read_any_list(b"name,secret,Secret\na,s3cret-1,s3cret-2\n").err(),
        Some(ListError::DoubleColumn("secret".to_owned()))
    );
    for (record, member) in [
        ("{\"secret\": \"s3cret-1\", \"secret\": \"s3cret-2\"}", "secret"),
        ("{\"secret\": \"s3cret-1\", \"fields\": {\"a\": \"1\", \"a\": \"2\"}}", "a"),
    ] {
        let records = read_any_list(format!("[{record}]").as_bytes()).unwrap();
        let expected = format!("the member \"{member}\" stands twice");
        assert_eq!(records[0].rejection, Some(expected));
    }
}
