//! Files that the page hands out: the proof bundle of a hex, and what another version of the check would change.

use js_sys::Array;
use leptos::prelude::*;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Blob, HtmlAnchorElement, Url};

use crate::{
    app::{Ctx, ctx},
    verifier::Verifier,
};

/// How far the proof bundle of a hex has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Saving {
    /// The verifier builds it.
    Building,
    /// It was handed to the browser.
    Saved,
    /// Why there is none.
    Failed(String),
}

/// Name of the file of a hex.
fn file_name(cell: &str) -> String {
    format!("{cell}.proof")
}

/// Hands a file that is already in this browser to whoever sits before it.
pub(crate) fn hand_out(url: &str, name: &str) -> Result<(), JsValue> {
    let document = gloo::utils::document();
    let link: HtmlAnchorElement = document.create_element("a")?.unchecked_into();
    link.set_href(url);
    link.set_download(name);
    link.click();
    Ok(())
}

/// The same for a proof bundle.
pub(crate) fn hand_out_proof(cell: &str, url: &str) -> Saving {
    match hand_out(url, &file_name(cell)) {
        Ok(()) => Saving::Saved,
        Err(error) => Saving::Failed(format!("{error:?}")),
    }
}

/// The same for text.
pub(crate) fn hand_out_text(text: &str, name: &str) -> Result<(), JsValue> {
    let blob = Blob::new_with_str_sequence(&Array::of1(&JsValue::from_str(text)))?;
    let url = Url::create_object_url_with_blob(&blob)?;
    hand_out(&url, name)?;
    Url::revoke_object_url(&url)
}

/// A button that saves the proof bundle of a hex, and what became of it.
#[component]
pub(crate) fn SaveProof(cell: String) -> impl IntoView {
    let Ctx { model, verifier, .. } = ctx();
    let (name, asked) = (file_name(&cell), cell.clone());
    let save = move |_| {
        model.saving.set(Some((asked.clone(), Saving::Building)));
        verifier.with_value(|verifier: &Verifier| verifier.bundle(&asked));
    };
    let state = move || {
        model.saving.get().filter(|(of, _)| *of == cell).map(|(_, state)| match state {
            Saving::Building => "Building the file…".to_owned(),
            Saving::Saved => format!("Saved as {name}."),
            Saving::Failed(why) => format!("There is no file: {why}."),
        })
    };
    view! {
        <p class="save">
            <button type="button" class="plain" data-action="save-proof" on:click=save>"Save this proof"</button>
            <span role="status">{state}</span>
        </p>
    }
}

/// What can be done about a settlement whose proof is broken: a command that wins its dispute.
#[component]
pub(crate) fn Challenge(cell: String) -> impl IntoView {
    let Ctx { model, .. } = ctx();
    let name = file_name(&cell);
    let command = move || {
        let checkpoint = model.head.get().map(|head| head.checkpoint_root).unwrap_or_default();
        format!("heliotrope challenge {name} --checkpoint {checkpoint} --rpc NODE --key-file KEY")
    };
    view! {
        <section class="challenge" aria-label="Challenge">
            <h2>"It can be challenged"</h2>
            <p>"This is committed on chain, and it is wrong. The file holds the proof: reports, module, commitment and headers. "
                "Whoever shows it to the dispute game, with a bond, has the settlement struck out and is paid from the proposer's bond."</p>
            <SaveProof cell/>
            <p>"Then, with a node of the chain and the file of your key:"</p>
            <pre tabindex="0">{command}</pre>
        </section>
    }
}
