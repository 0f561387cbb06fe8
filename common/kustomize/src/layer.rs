//! One kustomization and what lies below it, accumulated into resources.
//!
//! The order of steps is the order of effects: resources, configuration of transformers, generators, components,
//! transformers, validators, vars. Names are only fixed at the root, when every layer has had its say.

mod entry;
mod transformers;

use std::sync::Arc;

use flux_yaml::{Object, Text, Value};

use crate::configuration::Configuration;
use crate::error::{Context as _, Error, Result};
use crate::generator::{Generated, generate};
use crate::kustomization::{FILE_NAMES, GeneratorArgs, GeneratorOptions, Kustomization, Var};
use crate::loader::Loader;
use crate::origin::Origin;
use crate::patch::Inputs;
use crate::plugin;
use crate::reader::read_resources;
use crate::resource::Resource;
use crate::resource_map::ResourceMap;
use crate::schema::{Precedence, Schema};
use crate::variable;

/// What has been accumulated so far.
#[derive(Debug, Default)]
pub(crate) struct Accumulated {
    /// Resources of the layers so far.
    pub(crate) resources: ResourceMap,
    /// Field specs of the layers so far.
    pub(crate) configuration: Configuration,
    /// Vars of the layers so far.
    pub(crate) vars: Vec<Var>,
}

/// What holds for a whole build.
pub(crate) struct Session {
    /// The schema in force; it may change while layers are read.
    pub(crate) schema: Arc<Schema>,
    /// `buildMetadata` of the root.
    pub(crate) build_metadata: Vec<String>,
    /// Warnings about deprecated fields.
    pub(crate) warnings: Vec<String>,
}

/// One kustomization file and where it lies.
pub(crate) struct Layer<'a> {
    loader: &'a Loader<'a>,
    kustomization: Kustomization,
    file_name: &'static str,
    /// Where the layer is, if origins are tracked.
    origin: Option<Origin>,
}

/// What configuring transformers takes from a layer.
pub(crate) struct LayerInputs<'a> {
    pub(crate) loader: &'a Loader<'a>,
    pub(crate) schema: &'a Arc<Schema>,
}

impl Inputs for LayerInputs<'_> {
    fn load(&mut self, path: &str) -> Result<Vec<u8>> {
        self.loader.load(path)
    }

    fn parse(&mut self, content: &[u8]) -> Result<Vec<Resource>> {
        read_resources(content, self.schema)
    }
}

impl Session {
    /// Whether the root asks for this kind of metadata.
    pub(crate) fn wants(&self, metadata: &str) -> bool {
        self.build_metadata.iter().any(|wanted| wanted == metadata)
    }

    /// Applies the `openapi` field of a kustomization.
    ///
    /// # Errors
    /// The file cannot be loaded or is no schema, or the version is not built in.
    pub(crate) fn use_schema(&mut self, layer: &Layer<'_>, precedence: Precedence) -> Result<()> {
        let openapi = &layer.kustomization.openapi;
        if openapi.is_empty() {
            return Ok(());
        }
        let document = openapi.get("path").map(|path| layer.loader.load(path)).transpose()?;
        let version = openapi.get("version").map(String::as_str);
        let mut schema = Schema::clone(&self.schema);
        schema.set(version, document.as_deref(), precedence)?;
        self.schema = Arc::new(schema);
        Ok(())
    }
}

impl<'a> Layer<'a> {
    /// Reads the kustomization file at the loader's root.
    ///
    /// # Errors
    /// There is none, there are several, or it is not what a kustomization file has to be.
    pub(crate) fn read(
        loader: &'a Loader<'a>,
        origin: Option<Origin>,
        session: &mut Session,
    ) -> Result<Self> {
        let mut found = FILE_NAMES.iter().filter_map(|name| Some((*name, loader.load(name).ok()?)));
        let root = loader.root();
        let Some((file_name, content)) = found.next() else {
            return Err(Error::invalid(format!(
                "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '{root}'"
            )));
        };
        if found.next().is_some() {
            return Err(Error::invalid(format!("Found multiple kustomization files under: {root}\n")));
        }
        let mut kustomization = Kustomization::parse(&content)?;
        session.warnings.extend(kustomization.warnings.iter().map(ToString::to_string));
        kustomization.check(root)?;
        Ok(Self { loader, kustomization, file_name, origin })
    }

    /// The kustomization.
    pub(crate) fn kustomization(&self) -> &Kustomization {
        &self.kustomization
    }

    /// Sets where the layer is; from now on origins are tracked.
    pub(crate) fn track_origin(&mut self, origin: Origin) {
        self.origin = Some(origin);
    }

    fn inputs<'s>(&'s self, session: &'s Session) -> LayerInputs<'s> {
        LayerInputs { loader: self.loader, schema: &session.schema }
    }

    /// Accumulates the layer: a Component on top of what its parent has, a Kustomization on nothing.
    ///
    /// # Errors
    /// Whatever can go wrong in a build.
    pub(crate) fn accumulate(&self, session: &mut Session, below: Accumulated) -> Result<Accumulated> {
        let mut accumulated = below;
        self.add_resources(session, &mut accumulated, &self.kustomization.resources)
            .context(|| "accumulating resources")?;
        self.add_configuration(session, &mut accumulated)?;
        self.generate(session, &mut accumulated.resources)?;
        let mut accumulated =
            self.add_components(session, accumulated).context(|| "accumulating components")?;
        self.transform(session, &mut accumulated)?;
        self.validate(session, &mut accumulated.resources)?;
        self.add_vars(&mut accumulated)?;
        Ok(accumulated)
    }

    fn add_configuration(&self, session: &Session, accumulated: &mut Accumulated) -> Result<()> {
        let mut inputs = self.inputs(session);
        accumulated.configuration.add_files(&self.kustomization.configurations, &mut inputs)?;
        accumulated.configuration.add_crds(&self.kustomization.crds, &mut inputs)
    }

    fn generate(&self, session: &mut Session, resources: &mut ResourceMap) -> Result<()> {
        let mut generated = Vec::new();
        let kinds = [
            (Generated::ConfigMap, &self.kustomization.config_map_generator),
            (Generated::Secret, &self.kustomization.secret_generator),
        ];
        for (kind, list) in kinds {
            for args in list {
                let resource = self.generate_one(kind, args, session)?;
                generated.push((resource, self.builtin_origin(kind.generator())));
            }
        }
        if let Some(chart) = self.kustomization.helm_charts.first() {
            let error = Error::invalid("must specify --enable-helm");
            return Err(error.within(misconfigured("HelmChartInflationGenerator", chart)));
        }
        let configurations =
            self.plugins(session, &self.kustomization.generators).context(|| "loading generator plugins")?;
        let plugins = plugin::generators(configurations, self.loader, &session.schema)
            .context(|| "loading generator plugins")?;
        generated.extend(plugins);
        for (mut resource, origin) in generated {
            if let Some(origin) = origin {
                resource.set_origin_if_unknown(&origin);
            }
            let id = resource.id().to_string();
            resources.absorb(resource).context(|| format!("merging from generator {id}"))?;
        }
        Ok(())
    }

    fn generate_one(&self, kind: Generated, args: &GeneratorArgs, session: &Session) -> Result<Resource> {
        let options =
            GeneratorOptions::merged(args.options.clone(), self.kustomization.generator_options.as_ref());
        let args = GeneratorArgs { options, ..args.clone() };
        generate(kind, &args, self.loader, &session.schema)
    }

    /// The origin of what a built-in generator or transformer of this layer makes, if origins are tracked.
    fn builtin_origin(&self, kind: &str) -> Option<Origin> {
        self.origin.as_ref().map(|origin| origin.of_builtin(kind, self.file_name))
    }

    /// Resources that configure generators, transformers or validators: inline, or in files and directories.
    fn plugins(&self, session: &mut Session, entries: &[String]) -> Result<ResourceMap> {
        let mut configurations = Accumulated::default();
        let mut paths = Vec::new();
        for entry in entries {
            let inline = read_resources(entry.as_bytes(), &session.schema).and_then(crate::reader::unique);
            let Ok(inline) = inline else {
                paths.push(entry.clone());
                continue;
            };
            for mut resource in inline {
                if let Some(origin) = &self.origin {
                    resource.set_origin(&origin.append(self.file_name));
                }
                configurations.resources.append(resource).context(|| "configuring external generator")?;
            }
        }
        self.add_resources(session, &mut configurations, &paths)?;
        Ok(configurations.resources)
    }

    fn validate(&self, session: &mut Session, resources: &mut ResourceMap) -> Result<()> {
        if self.kustomization.validators.is_empty() {
            return Ok(());
        }
        let configurations = self.plugins(session, &self.kustomization.validators)?;
        let mut inputs = self.inputs(session);
        for (_, validator) in plugin::transformers(configurations, &mut inputs)? {
            let before: Vec<_> = resources.iter().cloned().collect();
            validator.apply(resources)?;
            plugin::check_unchanged(&before, resources)?;
        }
        Ok(())
    }

    fn add_vars(&self, accumulated: &mut Accumulated) -> Result<()> {
        merge_vars(&mut accumulated.vars, self.kustomization.vars.clone())
            .and_then(|()| variable::register(&mut accumulated.resources, &self.kustomization.vars))
            .context(|| "merging vars")
    }
}

/// Adds vars to others.
///
/// # Errors
/// [`Error::Invalid`] if there is one of that name already.
fn merge_vars(known: &mut Vec<Var>, added: Vec<Var>) -> Result<()> {
    for var in added {
        if known.iter().any(|other| other.name == var.name) {
            return Err(Error::invalid(format!("var '{}' already encountered", var.name)));
        }
        known.push(var);
    }
    Ok(())
}

/// What was attempted when a built-in generator or transformer could not be configured.
pub(crate) fn misconfigured(kind: &str, given: &Value) -> String {
    format!("trouble configuring builtin {kind} with config: `\n{}`", config_text(given))
}

/// A configuration as text, without what is null or empty.
pub(crate) fn config_text(given: &Value) -> String {
    let said: Object = given
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null() && value.as_str() != Some(""))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    Value::Object(said).to_yaml().unwrap_or_default()
}

/// A list of texts as the value of a field.
fn list_of_texts(field: &str, texts: &[String]) -> Value {
    let items = texts.iter().map(|text| Value::from(text.as_str())).collect();
    Value::Object(Object::from([(Text::from(field), Value::List(items))]))
}
