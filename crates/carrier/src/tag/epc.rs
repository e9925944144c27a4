//! EPC memory of a UHF tag: the EPC as given, and the protocol control word in front of it.

use hufu_ident::Refusal;

/// Words of 16 bits that the length field of the protocol control word can tell.
const WORDS: usize = 31;

/// An EPC in whole words, as a tag keeps it in its memory bank 01.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epc {
    hex: String,
}

impl Epc {
    /// Takes an EPC in hexadecimal: 1 to 31 words of 4 digits.
    pub fn parse(hex: &str) -> Result<Self, Refusal> {
        let clause = "EPC UHF Gen2 air interface §6.3.2.1.2";
        if let Some(position) = hex.chars().position(|character| !character.is_ascii_hexdigit()) {
            let (zh, en) = ("EPC须为十六进制数字", "an EPC is given in hexadecimal digits");
            return Err(Refusal::new("epc-hex", clause, zh, en).at(position));
        }
        if hex.is_empty() || !hex.len().is_multiple_of(4) || hex.len() / 4 > WORDS {
            let zh = format!("EPC须为1～{WORDS}个16位字（4位十六进制一字），现有{}位", hex.len());
            let en = format!("an EPC is 1 to {WORDS} words of 4 hexadecimal digits; these are {} digits", hex.len());
            return Err(Refusal::new("epc-length", clause, zh, en));
        }
        Ok(Epc { hex: hex.to_ascii_uppercase() })
    }

    /// Upper-case hexadecimal.
    pub fn hex(&self) -> &str {
        &self.hex
    }

    /// Octets of the EPC.
    pub fn octets(&self) -> usize {
        self.hex.len() / 2
    }

    /// The protocol control word: the length in words in its upper five bits, everything else clear.
    pub fn protocol_control(&self) -> u16 {
        ((self.hex.len() / 4) as u16) << 11
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words() {
        let epc = Epc::parse("3034257bf7194e4000001a85").unwrap();
        assert_eq!((epc.hex(), epc.octets()), ("3034257BF7194E4000001A85", 12));
        assert_eq!(epc.protocol_control(), 0x3000);
        assert_eq!(Epc::parse("30x4").unwrap_err().at, Some(2));
        for hex in ["", "303", "30342", &"0".repeat(128)] {
            assert_eq!(Epc::parse(hex).unwrap_err().code, "epc-length");
        }
    }
}
