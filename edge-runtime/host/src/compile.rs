//! Compiling, in a process of its own: what a hostile module makes the compiler spend ends with it.
//!
//! ```text
//!  host ── exec: the same program, `compile-check-module` ──►  limits itself, then reads stdin
//!       ── wasm on stdin ──►                                   compiles
//!       ◄── compiled code on stdout, exit 0                    or one line on stderr, exit 1
//!  after the deadline: killed
//! ```
//! The child is executed, not forked off: a fork of a process whose compiler threads hold locks hangs.
//! It limits itself before it reads a byte of the module. What it returns is trusted as much as a
//! compiler in this process would be: it is the same code.

use crate::{HostError, engine::Code};
use std::{
    ffi::OsString,
    io::{Read, Write},
    path::PathBuf,
    process::{Child, Command, ExitCode, Stdio},
    sync::mpsc::{RecvTimeoutError, channel},
    time::Duration,
};
use wasmtime::Engine;

/// First argument of the compiler process.
pub const COMPILE_COMMAND: &str = "compile-check-module";
/// Largest compiled module; one of 140 kB compiles to 0.5 MB.
const MAX_CODE: u64 = 32 << 20;
/// Most that is kept of what the compiler says.
const MAX_WORDS: u64 = 4096;

/// Where modules are compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compiler {
    /// In this process: for tools and tests, with modules that one has made oneself.
    InProcess,
    /// In a process of its own.
    Process(CompilerProcess),
}

/// A compiler process and its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompilerProcess {
    /// A program whose `main` begins with [`compile_if_asked`].
    pub program: PathBuf,
    /// Its address space in bytes.
    pub memory_bytes: u64,
    /// Its processor time in seconds.
    pub cpu_seconds: u64,
    /// Its time by the clock.
    pub deadline: Duration,
}

impl CompilerProcess {
    /// This very program, with room for any module that passes the gate.
    ///
    /// # Errors
    /// [`HostError::Compile`] if the system does not say which program this is.
    pub fn this_program() -> Result<Self, HostError> {
        let program = std::env::current_exe();
        let program = program.map_err(|error| HostError::Compile(error.to_string()))?;
        Ok(Self {
            program,
            memory_bytes: 1 << 30,
            cpu_seconds: 20,
            deadline: Duration::from_secs(60),
        })
    }
}

impl Compiler {
    pub(crate) fn compile(
        &self,
        engine: &Engine,
        code: Code,
        wasm: &[u8],
    ) -> Result<Vec<u8>, HostError> {
        match self {
            Self::InProcess => {
                engine.precompile_module(wasm).map_err(|e| HostError::Compile(format!("{e:#}")))
            }
            Self::Process(process) => process.compile(code, wasm),
        }
    }
}

impl CompilerProcess {
    fn compile(&self, code: Code, wasm: &[u8]) -> Result<Vec<u8>, HostError> {
        let failed = |error: std::io::Error| HostError::Compile(error.to_string());
        let mut child = Command::new(&self.program)
            .arg(COMPILE_COMMAND)
            .args([code.to_argument(), self.memory_bytes.to_string(), self.cpu_seconds.to_string()])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let output = self.converse(&mut child, wasm.to_vec());
        if output.is_err() {
            // already dead is as good as killed
            drop(child.kill());
        }
        let status = child.wait().map_err(failed)?;
        let (compiled, words) = output?;
        if status.success() {
            return Ok(compiled);
        }
        let words = String::from_utf8_lossy(&words).trim().to_owned();
        Err(HostError::Compile(format!("{status} {words}").trim().to_owned()))
    }

    /// Hands over the module and takes the answer, until the deadline.
    fn converse(&self, child: &mut Child, wasm: Vec<u8>) -> Result<(Vec<u8>, Vec<u8>), HostError> {
        let no_pipe = || HostError::Compile("the compiler has no pipes".into());
        let mut stdin = child.stdin.take().ok_or_else(no_pipe)?;
        let stdout = child.stdout.take().ok_or_else(no_pipe)?;
        let stderr = child.stderr.take().ok_or_else(no_pipe)?;
        // a child that ends early closes the pipe; its exit status says why
        std::thread::spawn(move || drop(stdin.write_all(&wasm)));
        let words = std::thread::spawn(move || read_to(stderr, MAX_WORDS));
        let (send, receive) = channel();
        std::thread::spawn(move || drop(send.send(read_to(stdout, MAX_CODE))));
        let compiled = receive.recv_timeout(self.deadline).map_err(|error| match error {
            RecvTimeoutError::Timeout => {
                HostError::Compile(format!("ended after {} ms", self.deadline.as_millis()))
            }
            RecvTimeoutError::Disconnected => HostError::Compile("a thread stopped".into()),
        })?;
        Ok((compiled, words.join().unwrap_or_default()))
    }
}

fn read_to(from: impl Read, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    // what is cut off or unreadable is not the code of a module: the engine refuses it
    drop(from.take(most).read_to_end(&mut bytes));
    bytes
}

/// For the first line of a program's `main`: if the program was started as the compiler, compiles and
/// says how to exit.
#[must_use]
pub fn compile_if_asked() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != COMPILE_COMMAND {
        return None;
    }
    Some(match compile_from_stdin(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // the parent shows it; without a parent there is nobody to tell
            drop(writeln!(std::io::stderr(), "{error}"));
            ExitCode::FAILURE
        }
    })
}

fn compile_from_stdin(arguments: impl Iterator<Item = OsString>) -> Result<(), String> {
    let arguments: Vec<String> = arguments.filter_map(|a| a.into_string().ok()).collect();
    let [code, memory, cpu] = arguments.as_slice() else {
        return Err("expected settings, memory and processor time".into());
    };
    let code = Code::from_argument(code).ok_or("settings do not parse")?;
    let limit = |resource: rlimit::Resource, text: &str| {
        let most = text.parse::<u64>().map_err(|error| error.to_string())?;
        resource.set(most, most).map_err(|error| format!("{}: {error}", resource.as_name()))
    };
    limit(rlimit::Resource::AS, memory)?;
    limit(rlimit::Resource::CPU, cpu)?;
    limit(rlimit::Resource::CORE, "0")?;
    let mut wasm = Vec::new();
    std::io::stdin().take(MAX_CODE).read_to_end(&mut wasm).map_err(|error| error.to_string())?;
    let mut config = code.config().map_err(|error| error.to_string())?;
    // one function at a time: the memory it takes is that of the largest function
    config.parallel_compilation(false);
    let engine = Engine::new(&config).map_err(|error| format!("{error:#}"))?;
    let compiled = engine.precompile_module(&wasm).map_err(|error| format!("{error:#}"))?;
    std::io::stdout().write_all(&compiled).map_err(|error| error.to_string())
}
