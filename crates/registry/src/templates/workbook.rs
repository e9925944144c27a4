//! Templates as Excel files: the form in which people pass them on.
//!
//! Two sheets: what the template is, a line each (`模板`); its items, a row each (`数据项`). Headings are Chinese with
//! the name of the API behind them, by which they are found again, in any order; what is not there takes its default.
//! Texts are written as texts, never as formulas. Nothing of a file is believed before it was checked like a request.

use super::content::TemplateContent;
use super::item::ITEMS;
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use calamine::{DataRef, Reader as _, Xlsx};
use rust_xlsxwriter::{Format, Workbook};
use serde_json::{Map, Value as Json, json};
use std::io::Cursor;

/// Octets of a file, and of its parts unpacked: a small file may hide a large one.
pub const OCTETS: usize = 2 << 20;
const UNPACKED: u64 = 64 << 20;
/// Rows and columns that are looked at.
const ROWS: u32 = ITEMS as u32 + 100;
const COLUMNS: u32 = 100;
/// Longest text of a cell, in characters (Excel's own limit).
const CELL: usize = 32_767;
/// Names of the sheets.
const TEMPLATE: &str = "模板";
const FIELDS: &str = "数据项";

/// How a member stands in a cell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Text,
    Number,
    /// 是 or 否.
    Flag,
    /// A value of a list, a line each.
    Lines,
}

use Shape::{Flag, Lines, Number, Text};

/// Lines of the first sheet: member, heading, shape.
const OF_TEMPLATE: [(&str, &str, Shape); 11] = [
    ("labels.zh", "中文名称", Text),
    ("labels.en", "英文名称", Text),
    ("code", "编码", Text),
    ("class", "分类", Text),
    ("industryCategory", "行业门类", Text),
    ("industrySpecific", "行业大类", Text),
    ("industryTrade", "行业中类", Text),
    ("industrySubclass", "行业小类", Text),
    ("activeCarrier", "主动标识载体", Flag),
    ("standard", "遵循标准", Text),
    ("description", "说明", Text),
];

/// Columns of the second.
const OF_ITEMS: [(&str, &str, Shape); 30] = [
    ("index", "索引", Number),
    ("name", "英文名", Text),
    ("labels.zh", "中文名称", Text),
    ("labels.en", "英文名称", Text),
    ("code", "编码", Text),
    ("dataType", "数据类型", Text),
    ("required", "必填", Flag),
    ("unique", "唯一", Flag),
    ("input", "录入项", Flag),
    ("listed", "列表项", Flag),
    ("visibility", "可见性", Text),
    ("classification", "数据分级", Text),
    ("state", "状态", Text),
    ("rules.minLength", "最小长度", Number),
    ("rules.maxLength", "最大长度", Number),
    ("rules.pattern", "正则表达式", Text),
    ("rules.enumeration", "枚举值（每行一个）", Lines),
    ("rules.range", "数值范围", Text),
    ("rules.decimals", "小数位数", Number),
    ("rules.unit", "单位", Text),
    ("rules.dateFormat", "日期格式", Text),
    ("rules.fileKinds", "文件后缀（每行一个）", Lines),
    ("rules.fileCount", "文件数", Number),
    ("rules.fileSize", "文件大小（字节）", Number),
    ("rules.referenceTemplate", "引用模板", Text),
    ("rules.many", "可引用多个", Flag),
    ("metadata", "元数据", Text),
    ("metadataVersion", "元数据版本", Number),
    ("definition", "定义", Text),
    // Labels of other languages, as JSON: they are as many as somebody likes.
    ("labels", "其他语言名称", Text),
];

/// What people write for the words of the API.
const WORDS: [(&str, &str); 22] = [
    ("string", "字符型"),
    ("number", "数值型"),
    ("date", "日期型"),
    ("file", "文件型"),
    ("reference", "引用型"),
    ("audio", "音频"),
    ("video", "视频"),
    ("image", "图片"),
    ("public", "公开"),
    ("granted", "授权"),
    ("private", "私有"),
    ("internal", "内部"),
    ("important", "重要"),
    ("secret", "核心"),
    ("enabled", "启用"),
    ("disabled", "停用"),
    ("pending", "待生效"),
    ("true", "是"),
    ("false", "否"),
    ("true", "yes"),
    ("true", "1"),
    ("false", "0"),
];
/// Members whose values are such words.
const WORDED: [&str; 4] = ["dataType", "visibility", "classification", "state"];

fn heading(member: &str, zh: &str) -> String {
    format!("{zh} {member}")
}

fn at<'a>(value: &'a Json, member: &str) -> &'a Json {
    member.split('.').fold(value, |value, name| &value[name])
}

/// A member as the text of a cell.
fn text_of(value: &Json, member: &str) -> String {
    if member == "labels" {
        let mut others = value["labels"].as_object().cloned().unwrap_or_default();
        others.retain(|language, _| language != "zh" && language != "en");
        return if others.is_empty() { String::new() } else { Json::Object(others).to_string() };
    }
    match at(value, member) {
        Json::String(text) if WORDED.contains(&member) => in_chinese(text).to_owned(),
        Json::String(text) => text.clone(),
        Json::Bool(yes) => if *yes { "是" } else { "否" }.to_owned(),
        Json::Number(number) if number.as_i64() == Some(0) && member == "metadataVersion" => String::new(),
        Json::Number(number) => number.to_string(),
        Json::Array(lines) => lines.iter().filter_map(Json::as_str).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    }
}

fn in_chinese(word: &str) -> &str {
    WORDS.iter().find(|(known, _)| *known == word).map_or(word, |(_, zh)| zh)
}

fn in_english(word: &str) -> &str {
    WORDS.iter().find(|(_, zh)| *zh == word).map_or(word, |(known, _)| known)
}

/// The file of a template.
pub fn write(content: &TemplateContent) -> Result<Vec<u8>, Error> {
    let faulty =
        |error: rust_xlsxwriter::XlsxError| Error::Fault(format!("an Excel file could not be written: {error}"));
    let value = serde_json::to_value(content)?;
    let (mut book, bold) = (Workbook::new(), Format::new().set_bold());
    let wrapped = Format::new().set_text_wrap();
    let about = book.add_worksheet().set_name(TEMPLATE).map_err(faulty)?;
    about.set_column_width(0, 36).map_err(faulty)?;
    about.set_column_width(1, 60).map_err(faulty)?;
    for (row, (member, zh, _)) in (0_u32..).zip(OF_TEMPLATE) {
        about.write_string_with_format(row, 0, heading(member, zh), &bold).map_err(faulty)?;
        about.write_string_with_format(row, 1, text_of(&value, member), &wrapped).map_err(faulty)?;
    }
    let fields = book.add_worksheet().set_name(FIELDS).map_err(faulty)?;
    fields.set_freeze_panes(1, 2).map_err(faulty)?;
    for (column, (member, zh, _)) in (0_u16..).zip(OF_ITEMS) {
        fields.set_column_width(column, 18).map_err(faulty)?;
        fields.write_string_with_format(0, column, heading(member, zh), &bold).map_err(faulty)?;
    }
    for (row, item) in (1_u32..).zip(value["items"].as_array().into_iter().flatten()) {
        for (column, (member, _, shape)) in (0_u16..).zip(OF_ITEMS) {
            let text: String = text_of(item, member).chars().take(CELL).collect();
            let written = match (shape, text.parse::<u32>()) {
                (Number, Ok(number)) => fields.write_number(row, column, number),
                _ if text.is_empty() => continue,
                _ => fields.write_string_with_format(row, column, text, &wrapped),
            };
            written.map_err(faulty)?;
        }
    }
    book.save_to_buffer().map_err(faulty)
}

/// A cell that says something: from 0, and its text.
struct Cell {
    row: u32,
    column: u32,
    text: String,
}

fn unreadable(error: impl std::fmt::Display) -> Refusal {
    let (zh, en) = (format!("Excel 文件无法读取：{error}"), format!("the Excel file cannot be read: {error}"));
    Refusal::new(Kind::Invalid, "xlsx-unreadable", zh, en)
}

fn too_large() -> Refusal {
    let zh = format!("Excel 文件过大（最多 {OCTETS} 字节、{ROWS} 行、{COLUMNS} 列）");
    let en = format!("the Excel file is too large: at most {OCTETS} octets, {ROWS} rows, {COLUMNS} columns");
    Refusal::new(Kind::Limit, "xlsx-too-large", zh, en)
}

/// Refuses what would not fit when unpacked, by the list of parts at the end of the file.
fn check_unpacked(octets: &[u8]) -> Result<(), Refusal> {
    let mut archive = zip::ZipArchive::new(Cursor::new(octets)).map_err(unreadable)?;
    let mut whole = 0_u64;
    for part in 0..archive.len() {
        whole = whole.saturating_add(archive.by_index_raw(part).map_err(unreadable)?.size());
    }
    if octets.len() > OCTETS || whole > UNPACKED { Err(too_large()) } else { Ok(()) }
}

fn cells_of(book: &mut Xlsx<Cursor<&[u8]>>, sheet: &str) -> Result<Vec<Cell>, Refusal> {
    if !book.sheet_names().iter().any(|name| name == sheet) {
        let (zh, en) = (format!("缺少工作表“{sheet}”"), format!("there is no sheet {sheet}"));
        return Err(Refusal::new(Kind::Invalid, "sheet-missing", zh, en));
    }
    let mut reader = book.worksheet_cells_reader(sheet).map_err(unreadable)?;
    let mut cells = Vec::new();
    while let Some(cell) = reader.next_cell().map_err(unreadable)? {
        let text = match cell.get_value() {
            DataRef::String(text) => text.trim().to_owned(),
            DataRef::SharedString(text) => text.trim().to_owned(),
            DataRef::Int(number) => number.to_string(),
            DataRef::Float(number) => number.to_string(),
            DataRef::Bool(yes) => yes.to_string(),
            DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
            DataRef::DateTime(_) | DataRef::Error(_) | DataRef::Empty => String::new(),
        };
        let (row, column) = cell.get_position();
        if text.is_empty() {
            continue;
        }
        if row >= ROWS || column >= COLUMNS {
            return Err(too_large());
        }
        cells.push(Cell { row, column, text });
    }
    Ok(cells)
}

/// The member that a heading stands for: by the name behind it, or by the Chinese alone.
fn member_of(known: &[(&'static str, &'static str, Shape)], text: &str) -> Option<(&'static str, Shape)> {
    let last = text.split_whitespace().last().unwrap_or_default();
    let found = known.iter().find(|(member, zh, _)| *member == last || *zh == text.trim());
    found.map(|(member, _, shape)| (*member, *shape))
}

/// The letters of a column, as Excel shows them.
fn letters(column: u32) -> String {
    let mut text = String::new();
    let mut rest = column + 1;
    while rest > 0 {
        text.insert(0, char::from(b'A' + ((rest - 1) % 26) as u8));
        rest = (rest - 1) / 26;
    }
    text
}

/// Where a cell is, for people.
fn place(sheet: &str, cell: &Cell) -> String {
    format!("{sheet}!{}{}", letters(cell.column), cell.row + 1)
}

fn value_of(sheet: &str, member: &str, shape: Shape, cell: &Cell) -> Result<Json, FieldRefusal> {
    let wrong = |zh: &str, en: &str| {
        FieldRefusal::new(
            place(sheet, cell),
            "bad-cell",
            format!("{zh}：{}", cell.text),
            format!("{en}: {}", cell.text),
        )
    };
    match shape {
        _ if member == "labels" => serde_json::from_str::<Map<String, Json>>(&cell.text)
            .map(Json::Object)
            .map_err(|_| wrong("应为 JSON 对象", "has to be a JSON object")),
        Text if WORDED.contains(&member) => Ok(json!(in_english(&cell.text))),
        Text => Ok(json!(cell.text)),
        Number => cell
            .text
            .parse::<u64>()
            .map(|number| json!(number))
            .map_err(|_| wrong("应为整数", "has to be a whole number")),
        Flag => match in_english(&cell.text.to_lowercase()) {
            "true" => Ok(json!(true)),
            "false" => Ok(json!(false)),
            _ => Err(wrong("应为“是”或“否”", "has to be 是 or 否")),
        },
        Lines => Ok(json!(cell.text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>())),
    }
}

/// Puts a value where `a.b` says. Labels are joined, not replaced.
fn put(into: &mut Map<String, Json>, member: &str, value: Json) {
    let (outer, inner) = member.split_once('.').map_or((member, None), |(outer, inner)| (outer, Some(inner)));
    match (inner, value) {
        (Some(inner), value) => {
            let place = into.entry(outer).or_insert_with(|| json!({}));
            place[inner] = value;
        }
        (None, Json::Object(more)) => {
            let place = into.entry(outer).or_insert_with(|| json!({}));
            for (name, value) in more {
                place[name] = value;
            }
        }
        (None, value) => {
            into.insert(outer.to_owned(), value);
        }
    }
}

/// What a file says; refused with sheet and cell where it cannot be understood.
pub fn read(octets: &[u8]) -> Result<TemplateContent, Refusal> {
    check_unpacked(octets)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(octets)).map_err(unreadable)?;
    let (about, fields) = (cells_of(&mut book, TEMPLATE)?, cells_of(&mut book, FIELDS)?);
    let (mut content, mut faults) = (Map::new(), Vec::new());
    for head in about.iter().filter(|cell| cell.column == 0) {
        let value = about.iter().find(|cell| cell.row == head.row && cell.column == 1);
        match (member_of(&OF_TEMPLATE, &head.text), value) {
            (Some((member, shape)), Some(cell)) => match value_of(TEMPLATE, member, shape, cell) {
                Ok(value) => put(&mut content, member, value),
                Err(fault) => faults.push(fault),
            },
            (Some(_), None) => {}
            (None, _) => faults.push(unknown(TEMPLATE, head)),
        }
    }
    let mut columns = Vec::new();
    for head in fields.iter().filter(|cell| cell.row == 0) {
        match member_of(&OF_ITEMS, &head.text) {
            Some((member, shape)) => columns.push((head.column, member, shape)),
            None => faults.push(unknown(FIELDS, head)),
        }
    }
    let mut items: Vec<(u32, Map<String, Json>)> = Vec::new();
    for cell in fields.iter().filter(|cell| cell.row > 0) {
        let Some((_, member, shape)) = columns.iter().find(|(column, _, _)| *column == cell.column) else { continue };
        if items.last().is_none_or(|(row, _)| *row != cell.row) {
            items.push((cell.row, Map::new()));
        }
        match value_of(FIELDS, member, *shape, cell) {
            Ok(value) => items.iter_mut().filter(|(row, _)| *row == cell.row).for_each(|(_, item)| {
                put(item, member, value.clone());
            }),
            Err(fault) => faults.push(fault),
        }
    }
    let mut whole = Vec::new();
    for (row, item) in items {
        match serde_json::from_value::<super::Item>(Json::Object(item)) {
            Ok(item) => whole.push(item),
            Err(error) => {
                let zh = format!("该行有无效取值：{error}");
                let en = format!("the row has a value that is none: {error}");
                faults.push(FieldRefusal::new(format!("{FIELDS}!{}", row + 1), "bad-row", zh, en));
            }
        }
    }
    if !faults.is_empty() {
        return Err(Refusal::fields(faults));
    }
    let content: TemplateContent = serde_json::from_value(Json::Object(content)).map_err(unreadable)?;
    Ok(TemplateContent { items: whole, ..content })
}

fn unknown(sheet: &str, cell: &Cell) -> FieldRefusal {
    let (zh, en) = (format!("未知的表头：{}", cell.text), format!("no such heading: {}", cell.text));
    FieldRefusal::new(place(sheet, cell), "unknown-heading", zh, en)
}

#[cfg(test)]
mod tests {
    use super::super::starter;
    use super::*;

    #[test]
    fn every_starter_template_goes_into_a_file_and_comes_back_the_same() {
        for starter in starter::all() {
            let mut content = starter.content.clone();
            content.items[0].labels.insert("de".into(), "Nummer".into());
            content.items[0].metadata = "md-1".into();
            content.items[0].metadata_version = 3;
            let file = write(&content).expect("a file");
            let back = read(&file).unwrap_or_else(|refusal| panic!("{}: {:?}", starter.key, refusal));
            assert_eq!(back, content, "{}", starter.key);
        }
    }

    /// A file made by hand: two sheets, lines and rows of texts.
    fn file(about: &[[&str; 2]], rows: &[&[&str]]) -> Vec<u8> {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet().set_name(TEMPLATE).expect("a sheet");
        for (row, line) in (0_u32..).zip(about) {
            sheet.write_string(row, 0, line[0]).expect("written");
            sheet.write_string(row, 1, line[1]).expect("written");
        }
        let sheet = book.add_worksheet().set_name(FIELDS).expect("a sheet");
        for (row, cells) in (0_u32..).zip(rows) {
            for (column, cell) in (0_u16..).zip(*cells) {
                sheet.write_string(row, column, *cell).expect("written");
            }
        }
        book.save_to_buffer().expect("saved")
    }

    #[test]
    fn a_file_made_by_hand_needs_few_columns_in_any_order() {
        let rows: [&[&str]; 3] =
            [&["数据类型", "中文名称", "英文名", "必填"], &["数值型", "功率", "power", "是"], &["", "备注", "note"]];
        let content = read(&file(&[["中文名称", "电机"]], &rows)).expect("read");
        assert_eq!(content.labels["zh"], "电机");
        let shown: Vec<_> =
            content.items.iter().map(|it| (it.name.as_str(), it.data_type.name(), it.required)).collect();
        assert_eq!(shown, [("power", "number", true), ("note", "string", false)]);
    }

    #[test]
    fn what_cannot_be_understood_is_named_by_sheet_and_cell() {
        let rows: [&[&str]; 4] =
            [&["英文名", "必填", "最大长度", "价格"], &["a", "也许", "10"], &["b", "否", "ten"], &["c", "是", "1"]];
        let refusal = read(&file(&[["中文名称", "电机"], ["颜色", "红"]], &rows)).expect_err("refused");
        let places: Vec<&str> = refusal.fields.iter().map(|field| field.field.as_str()).collect();
        assert_eq!(places, ["模板!A2", "数据项!D1", "数据项!B2", "数据项!C3"]);
        let rows: [&[&str]; 2] = [&["英文名", "数据类型"], &["a", "颜色型"]];
        let refusal = read(&file(&[["中文名称", "电机"]], &rows)).expect_err("refused");
        assert_eq!((refusal.fields[0].field.as_str(), refusal.fields[0].code.as_str()), ("数据项!2", "bad-row"));
        assert_eq!(read(b"PK\x03\x04no").expect_err("refused").code, "xlsx-unreadable");
        assert_eq!(read(b"").expect_err("refused").code, "xlsx-unreadable");
        let mut book = Workbook::new();
        book.add_worksheet();
        assert_eq!(read(&book.save_to_buffer().expect("saved")).expect_err("refused").code, "sheet-missing");
    }

    #[test]
    fn a_cell_far_away_takes_no_memory() {
        let mut book = Workbook::new();
        for name in [TEMPLATE, FIELDS] {
            let sheet = book.add_worksheet().set_name(name).expect("a sheet");
            sheet.write_string(1_048_575, 16_383, "x").expect("written");
        }
        assert_eq!(read(&book.save_to_buffer().expect("saved")).expect_err("refused").code, "xlsx-too-large");
        assert_eq!(
            (letters(0), letters(25), letters(26), letters(701)),
            ("A".into(), "Z".into(), "AA".into(), "ZZ".into())
        );
    }

    #[test]
    fn what_looks_like_a_formula_stays_a_text() {
        let mut content = starter::all()[0].content.clone();
        content.description = "=HYPERLINK(\"http://x\")".into();
        let back = read(&write(&content).expect("a file")).expect("read");
        assert_eq!(back.description, content.description);
    }
}
