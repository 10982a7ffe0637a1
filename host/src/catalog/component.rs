//! A component's bytes, read and inspected without running or compiling anything.
//!
//! Invariant: whatever the bytes are, this ends in an [`Inspection`] or a clear error, in time linear in
//! their number.

use super::CatalogError;
use super::caps::Caps;
use super::section::{self, Declared};
use crate::regular::open_regular;
use crate::sandbox::INTERFACES;
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::Path;
use wasmparser::{ComponentTypeRef, Encoding, Parser, Payload};

/// Bytes of the largest component that is read.
pub const COMPONENT_BYTES_MAX: u64 = 16 << 20;

/// What can be known of a component without running it.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// SHA-256 of the whole file.
    pub digest: [u8; 32],
    /// Size in bytes.
    pub bytes: u64,
    /// What it declares about itself; none when `toolgate build` did not make it.
    pub declared: Option<Declared>,
    /// Names of what it imports, in file order.
    pub imports: Vec<String>,
    /// Names of what it exports, in file order.
    pub exports: Vec<String>,
}

impl Inspection {
    /// Imports that no grant can satisfy: this host has no such interface.
    pub fn forbidden_imports(&self) -> Vec<&str> {
        let known = |name: &str| INTERFACES.iter().any(|interface| name.starts_with(interface));
        self.imports.iter().map(String::as_str).filter(|name| !known(name)).collect()
    }
}

/// Reads a component file, at most [`COMPONENT_BYTES_MAX`] of it.
///
/// # Errors
/// When it is missing, unreadable, not a regular file, or too large.
pub fn read(path: &Path) -> Result<Vec<u8>, CatalogError> {
    let unreadable = |error: std::io::Error| CatalogError::Read { path: path.to_owned(), error };
    let file = open_regular(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(COMPONENT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > COMPONENT_BYTES_MAX {
        return Err(CatalogError::TooLarge { path: path.to_owned() });
    }
    Ok(bytes)
}

/// Reads and inspects a component file.
///
/// # Errors
/// As [`read`] and [`inspect`], naming the file.
pub fn inspect_file(path: &Path) -> Result<Inspection, CatalogError> {
    inspect(&read(path)?).map_err(|error| error.of(path, None))
}

/// The digest by which a component is known.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Inspects a component.
///
/// # Errors
/// When the bytes are not a component, are damaged, or are past a structural cap.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, CatalogError> {
    refuse_other_kinds(bytes)?;
    let mut found = Inspection {
        digest: digest(bytes),
        bytes: bytes.len() as u64,
        declared: None,
        imports: vec![],
        exports: vec![],
    };
    let mut caps = Caps::default();
    // Depth 0 is inside the outermost component: only there are imports, exports and our section its own.
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| CatalogError::NotComponent(error.to_string()))?;
        caps.see(&payload, depth)?;
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if depth == 0 => {
                for import in imports {
                    let import = import.map_err(|error| CatalogError::NotComponent(error.to_string()))?;
                    // A named type is no import of anything: the world's own records stand there.
                    if !matches!(import.ty, ComponentTypeRef::Type(_)) {
                        found.imports.push(import.name.name.to_owned());
                    }
                }
            }
            Payload::ComponentExportSection(exports) if depth == 0 => {
                for export in exports {
                    let export = export.map_err(|error| CatalogError::NotComponent(error.to_string()))?;
                    found.exports.push(export.name.name.to_owned());
                }
            }
            Payload::CustomSection(custom) if depth == 0 && custom.name() == section::NAME => {
                let before = found.declared.replace(Declared::parse(custom.data())?);
                if before.is_some() {
                    return Err(CatalogError::Section("the component has it twice".to_owned()));
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

/// Names the usual mistakes before the parser says something less helpful.
fn refuse_other_kinds(bytes: &[u8]) -> Result<(), CatalogError> {
    let not = |what: &str| Err(CatalogError::NotComponent(what.to_owned()));
    if bytes.is_empty() {
        return not("the file is empty; build it again with `toolgate build`");
    }
    if bytes.starts_with(b"\x7fELF") {
        return not("it is native or precompiled code, and only WebAssembly is loaded; give the .wasm file");
    }
    if !bytes.starts_with(b"\0asm") {
        return not("it does not start like WebAssembly; give the .wasm file");
    }
    match Parser::new(0).parse_all(bytes).next() {
        Some(Ok(Payload::Version { encoding: Encoding::Component, .. })) => Ok(()),
        Some(Ok(Payload::Version { encoding: Encoding::Module, .. })) => {
            not("it is a core module; build it for wasm32-wasip2 with `toolgate build`")
        }
        Some(Err(error)) => not(&error.to_string()),
        _ => not("its header is damaged"),
    }
}
