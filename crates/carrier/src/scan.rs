//! Whether a label will be read: rules checked before it is printed. Findings, no refusals.

use crate::layout::Layout;
use crate::symbols::Rows;
use hufu_ident::reading::Check;

/// A module that readers of all kinds resolve, in millimetres.
const MODULE_MM: f64 = 0.25;
/// A module of one dot grows or shrinks by as much as it is wide.
const MODULE_DOTS: u32 = 2;
/// Bars: the larger of 5 mm and 15 % of the symbol's width.
const BAR_MM: f64 = 5.0;
const BAR_SHARE: f64 = 0.15;
/// A GS1-128 symbol with its quiet zones, in millimetres.
const GS1_128_MM: f64 = 165.0;
const PROFILE: &str = "our profile";

/// Every rule and how the label stands to it. Contrast and quiet zone hold by construction: black on white, and the
/// quiet zone is on the label.
pub fn check(layout: &Layout) -> Vec<Check> {
    let mut checks = vec![module_size(layout), module_dots(layout)];
    if layout.symbol.rows == Rows::Bars {
        checks.push(bar_height(layout));
    }
    if layout.symbol.symbology == crate::Symbology::Gs1_128 {
        checks.push(length(layout));
    }
    let (zh, en) = ("可读文字放得下", "there is room for the human-readable line");
    checks.push(rule("text-fits", PROFILE, !layout.is_mute, zh, en));
    checks
}

fn rule(code: &'static str, clause: &'static str, ok: bool, zh: impl Into<String>, en: impl Into<String>) -> Check {
    Check { code, clause, ok, zh: zh.into(), en: en.into() }
}

fn module_size(layout: &Layout) -> Check {
    let size = layout.media.millimetres(layout.module);
    let zh = format!("模块宽{size:.3}毫米，至少应为{MODULE_MM}毫米");
    let en = format!("a module is {size:.3} mm wide and should have {MODULE_MM} mm at least");
    rule("module-size", PROFILE, size >= MODULE_MM, zh, en)
}

fn module_dots(layout: &Layout) -> Check {
    let dots = layout.module;
    let zh = format!("模块宽{dots}个打印点，至少应为{MODULE_DOTS}点");
    let en = format!("a module is {dots} dot(s) of the printer wide and should have {MODULE_DOTS} at least");
    rule("module-dots", PROFILE, dots >= MODULE_DOTS, zh, en)
}

fn bar_height(layout: &Layout) -> Check {
    let width = layout.media.millimetres(layout.module * layout.symbol.matrix.width() as u32);
    let (height, needed) = (layout.media.millimetres(layout.row), BAR_MM.max(BAR_SHARE * width));
    let zh = format!("条高{height:.1}毫米，至少应为{needed:.1}毫米");
    let en = format!("bars are {height:.1} mm high and should have {needed:.1} mm at least");
    rule("bar-height", "ISO/IEC 15417 §4.6.2", height >= needed, zh, en)
}

fn length(layout: &Layout) -> Check {
    let (beside, _) = layout.symbol.symbology.quiet_zone();
    let modules = layout.symbol.matrix.width() + 2 * beside;
    let length = layout.media.millimetres(layout.module * modules as u32);
    let zh = format!("符号连同静区长{length:.1}毫米，不应超过{GS1_128_MM}毫米");
    let en = format!("the symbol with its quiet zones is {length:.1} mm long and should not exceed {GS1_128_MM} mm");
    rule("gs1-128-length", "GS1 General Specifications §5.4.1", length <= GS1_128_MM, zh, en)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorCorrection, Media, Payload, Symbol, Symbology};

    fn broken(symbology: Symbology, text: &str, width: f64, height: f64) -> Vec<&'static str> {
        let symbol = Symbol::encode(symbology, Payload::Text(text.into()), ErrorCorrection::M).unwrap();
        let layout = Layout::new(symbol, "", Media::new(width, height, 203).unwrap(), true).unwrap();
        check(&layout).into_iter().filter(|check| !check.ok).map(|check| check.code).collect()
    }

    #[test]
    fn small_modules_and_low_bars_are_found() {
        assert_eq!(broken(Symbology::Qr, "88.118.8/X", 50.0, 30.0), [""; 0]);
        assert_eq!(broken(Symbology::Qr, &"x".repeat(200), 10.0, 10.0), ["module-size", "module-dots"]);
        assert_eq!(broken(Symbology::Code128, "88118", 50.0, 5.0), ["bar-height"]);
    }
}
