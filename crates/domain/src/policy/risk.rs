//! The built-in patterns of risky paths, by what they are. They err on the side of asking a second person.

use std::sync::LazyLock;

use super::glob::Globs;

/// Paths that are risky for one reason.
pub(super) struct Risk {
    /// What such paths are, as a person reads it.
    subject: &'static str,
    globs: Globs,
}

impl Risk {
    /// The pattern that the path matches, and the subject.
    pub(super) fn matching(&self, path: &str) -> Option<(&str, &str)> {
        self.globs.matching(path).map(|glob| (glob, self.subject))
    }
}

fn risks(table: &[(&'static str, &[&str])]) -> Vec<Risk> {
    let read = |globs| Globs::new(globs).expect("the built-in patterns are read in every test of a tier");
    table.iter().map(|(subject, globs)| Risk { subject, globs: read(globs) }).collect()
}

/// What changes the program without changing its source: what it is built from, where it runs, what it has stored, and
/// who gets in.
pub(super) static R2: LazyLock<Vec<Risk>> = LazyLock::new(|| {
    risks(&[
        ("dependencies", DEPENDENCIES),
        ("runs on every change", AUTOMATION),
        ("migrations", MIGRATIONS),
        ("infrastructure", INFRASTRUCTURE),
        ("lets people in", AUTHENTICATION),
    ])
});

/// What gives away a secret, gives somebody a right, or changes the rules by which this very change is judged.
pub(super) static R3: LazyLock<Vec<Risk>> =
    LazyLock::new(|| risks(&[("Downbeat's own rules", OWN_RULES), ("permissions", PERMISSIONS), ("secrets", SECRETS)]));

/// Manifests, lock files, registries and toolchains.
const DEPENDENCIES: &[&str] = &[
    "**/{Cargo.toml,Cargo.lock,rust-toolchain,rust-toolchain.toml}",
    "**/.cargo/**",
    "**/{package.json,package-lock.json,npm-shrinkwrap.json,yarn.lock,.npmrc,.yarnrc.yml}",
    "**/{pnpm-lock.yaml,pnpm-workspace.yaml,bun.lock,bun.lockb,deno.json,deno.jsonc,deno.lock,jsr.json}",
    "**/{pyproject.toml,setup.py,setup.cfg,Pipfile,Pipfile.lock,poetry.lock,uv.lock,pdm.lock,environment.yml}",
    "**/{requirements,constraints}*.{txt,in}",
    "**/{go.mod,go.sum,go.work,go.work.sum}",
    "**/{Gemfile,Gemfile.lock,*.gemspec,composer.json,composer.lock}",
    "**/{pom.xml,build.sbt,build.gradle*,settings.gradle*,gradle.properties,gradle.lockfile,libs.versions.toml}",
    "**/gradle/wrapper/**",
    "**/{*.csproj,*.fsproj,packages.config,packages.lock.json,Directory.Packages.props,nuget.config}",
    "**/{mix.exs,mix.lock,rebar.config,rebar.lock,pubspec.yaml,pubspec.lock}",
    "**/{Package.swift,Package.resolved,Podfile,Podfile.lock}",
    "**/{vcpkg.json,conanfile.*,CMakeLists.txt,MODULE.bazel,WORKSPACE}",
    "**/{flake.nix,flake.lock,default.nix,shell.nix,.tool-versions,mise.toml,.gitmodules}",
];

/// Continuous integration and hooks: code that others run without having asked for it.
const AUTOMATION: &[&str] = &[
    ".github/{workflows,actions}/**",
    ".github/{dependabot.yml,renovate.json}",
    "{.gitlab-ci.yml,.travis.yml,.drone.yml,.woodpecker.yml,azure-pipelines.yml,bitbucket-pipelines.yml}",
    "{appveyor.yml,Jenkinsfile,renovate.json}",
    "{.ci,.circleci,.buildkite,.woodpecker,.gitlab,.teamcity}/**",
    "**/{.husky,.githooks}/**",
    "**/{.pre-commit-config.yaml,lefthook.yml,.gitattributes}",
];

const MIGRATIONS: &[&str] =
    &["**/{migration,migrations,migrate,flyway,liquibase,alembic}/**", "**/{schema.sql,structure.sql,schema.prisma}"];

const INFRASTRUCTURE: &[&str] = &[
    "**/{Dockerfile*,Containerfile*,*.dockerfile}",
    "**/{compose,docker-compose}*.{yml,yaml}",
    "**/*.{tf,hcl,bicep}",
    "**/{infra,infrastructure,terraform,pulumi,ansible,kubernetes,k8s,helm,charts,deploy,deployment}/**",
    "**/{Procfile,fly.toml,vercel.json,netlify.toml,wrangler.toml,serverless.yml,nginx.conf,Caddyfile}",
];

const AUTHENTICATION: &[&str] = &[
    "**/{auth,authn,authz,authentication,authorization,oauth,oauth2,oidc,saml,sso,crypto}/**",
    "**/{auth,authn,authz,authentication,authorization,oauth,oauth2,oidc,saml,sso,crypto}.*",
    "**/{auth_*,*_auth,auth-*,*-auth,jwt,password,passwords}.*",
];

/// `config.toml` in it defines the checks: a change there could pass by deleting what would have failed it.
const OWN_RULES: &[&str] = &[".downbeat/**"];

const PERMISSIONS: &[&str] = &[
    "**/CODEOWNERS",
    ".github/settings.yml",
    "**/{permissions,rbac,acl,iam,sudoers.d}/**",
    "**/{permissions,rbac,acl,iam}.*",
    "**/{sudoers,authorized_keys,known_hosts,deploy_key*,deploy-key*}",
];

const SECRETS: &[&str] = &[
    "**/{.env,.env.*,*.env,.envrc}",
    "**/{secret,secrets,.secrets}/**",
    "**/{secret,secrets,credentials}",
    "**/{secret,secrets,credentials}.*",
    "**/*.{secret,secrets}.*",
    "**/{.netrc,.pgpass,.htpasswd,.git-credentials,.dockercfg,.dockerconfigjson,kubeconfig,*.kubeconfig}",
    "**/*.{tfvars,tfstate,pem,key,p12,pfx,jks,keystore,kdbx,asc,gpg,age}",
    "**/{.sops.yaml,.sops.yml,id_rsa*,id_dsa*,id_ecdsa*,id_ed25519*}",
    "**/.ssh/**",
];
