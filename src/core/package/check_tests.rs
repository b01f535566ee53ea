//! Wheels and sdists with one thing wrong each.

use super::*;

const METADATA: &str = "Metadata-Version: 2.1\nName: De.Mo\nVersion: 1.0.0\n";

fn member(path: &str, machine: Option<u16>) -> Member {
    Member {
        path: path.into(),
        size: 3,
        sha256: "abc".into(),
        machine,
    }
}

struct Wheel {
    filename: &'static str,
    members: Vec<Member>,
    dist_infos: Vec<String>,
    metadata: String,
    tags: String,
    record: String,
}

impl Wheel {
    fn good() -> Self {
        Self {
            filename: "de_mo-1.0.0-cp312-cp312-manylinux_2_17_aarch64.whl",
            members: vec![
                member("de_mo/x.so", Some(183)),
                member("de_mo-1.0.0.dist-info/RECORD", None),
            ],
            dist_infos: vec!["de_mo-1.0.0.dist-info".into()],
            metadata: METADATA.into(),
            tags: "Tag: cp312-cp312-manylinux_2_17_aarch64\n".into(),
            record: "de_mo/x.so,sha256=abc,3\nde_mo-1.0.0.dist-info/RECORD,,\n".into(),
        }
    }

    fn problems(&self) -> Vec<String> {
        let DistributionName::Wheel(name) = self.filename.parse().unwrap() else {
            panic!("not a wheel");
        };
        check_wheel(&WheelContents {
            name: &name,
            members: &self.members,
            dist_infos: &self.dist_infos,
            metadata: Some(&self.metadata),
            wheel: Some(&self.tags),
            record: Some(&self.record),
        })
    }
}

#[test]
fn a_good_wheel_has_no_problem() {
    assert_eq!(Wheel::good().problems(), Vec::<String>::new());
}

#[test]
fn each_mistake_is_named() {
    type Spoil = Box<dyn Fn(&mut Wheel)>;
    let table: Vec<(&str, Spoil)> = vec![
        (
            "de_mo/x.so is for x86_64, the wheel for manylinux_2_17_aarch64",
            Box::new(|wheel| wheel.members[0].machine = Some(62)),
        ),
        (
            "METADATA is of version 2, the name of 1.0.0",
            Box::new(|wheel| wheel.metadata = METADATA.replace("1.0.0", "2")),
        ),
        (
            "METADATA is of the project other",
            Box::new(|wheel| wheel.metadata = METADATA.replace("De.Mo", "other")),
        ),
        (
            "unknown Metadata-Version 2.0",
            Box::new(|wheel| wheel.metadata = METADATA.replace("2.1", "2.0")),
        ),
        (
            "WHEEL has the tags (none)",
            Box::new(|wheel| wheel.tags.clear()),
        ),
        (
            "de_mo/x.so has another hash",
            Box::new(|wheel| wheel.members[0].sha256 = "xyz".into()),
        ),
        (
            "de_mo/x.so has another size",
            Box::new(|wheel| wheel.members[0].size = 4),
        ),
        (
            "y.py is not in RECORD",
            Box::new(|wheel| wheel.members.push(member("y.py", None))),
        ),
        (
            "z.py stands in RECORD but",
            Box::new(|wheel| wheel.record.push_str("z.py,sha256=a,1\n")),
        ),
        (
            "one .dist-info directory, but holds 0",
            Box::new(|wheel| wheel.dist_infos.clear()),
        ),
        (
            "does not fit the file's name",
            Box::new(|wheel| wheel.dist_infos = vec!["x-1.dist-info".into()]),
        ),
    ];
    for (expected, spoil) in table {
        let mut wheel = Wheel::good();
        spoil(&mut wheel);
        let problems = wheel.problems();
        assert_eq!(problems.len(), 1, "{expected}: {problems:?}");
        assert!(problems[0].contains(expected), "{problems:?}");
    }
}

#[test]
fn native_code_needs_a_platform() {
    let mut wheel = Wheel::good();
    wheel.filename = "de_mo-1.0.0-py3-none-any.whl";
    wheel.tags = "Tag: py3-none-any\n".into();
    let problems = wheel.problems();
    assert_eq!(
        problems,
        ["de_mo/x.so is native code (aarch64) in a wheel for any platform"]
    );
}

#[test]
fn sdists_have_one_directory_with_their_metadata() {
    let DistributionName::Sdist(name) = "de_mo-1.0.0.tar.gz".parse().unwrap() else {
        panic!("not an sdist");
    };
    let check = |top: &[&str], pkg_info| {
        let top = top.iter().map(|name| (*name).to_owned()).collect();
        check_sdist(&SdistContents {
            name: &name,
            top: &top,
            pkg_info,
        })
    };
    assert_eq!(
        check(&["de_mo-1.0.0"], Some(METADATA)),
        Vec::<String>::new()
    );
    assert_eq!(check(&["a", "b"], None).len(), 2);
}
