// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "migrate/source.hpp"

using namespace mtdb::migrate;
using mtdb::Code;

namespace {

namespace fs = std::filesystem;

// A folder of its own that goes with it.
class Folder {
public:
    explicit Folder(std::initializer_list<const char*> files = {}) {
        std::string pattern = (fs::temp_directory_path() / "mtdb-source-XXXXXX").string();
        path_ = mkdtemp(pattern.data());
        for (const char* file : files) write(file, std::string("SELECT '") + file + "';\n");
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { fs::remove_all(path_); }

    void write(const std::string& file, const std::string& text) const {
        fs::create_directories((path_ / file).parent_path());
        std::ofstream(path_ / file, std::ios::binary) << text;
    }
    std::string path() const { return path_.string(); }
    std::shared_ptr<const Source> load(LayoutChoice choice = LayoutChoice::automatic) const {
        return Source::from_folder(path_.string(), choice);
    }
    mtdb::Error refused(LayoutChoice choice = LayoutChoice::automatic) const {
        try {
            load(choice);
        } catch (const mtdb::Error& error) {
            return error;
        }
        FAIL("the folder was accepted");
        return mtdb::Error(Code::ok, "");
    }

private:
    fs::path path_;
};

std::vector<std::string> names(const Source& source) {
    std::vector<std::string> out;
    for (const Script& script : source.scripts()) out.push_back(script.name());
    return out;
}

bool holds(const mtdb::Error& error, const std::string& text) {
    return error.message().find(text) != std::string::npos;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a Flyway folder is read below its root, versions first, hidden folders not at all") {
    const Folder folder{"V10__j.sql", "V2__b.sql", "sub/V1_1__a.sql", "R__z.sql",
                        "R__A.sql",   "U2__b.sql", ".git/V9__x.sql"};
    const auto source = folder.load();
    CHECK(source->layout() == Layout::flyway);
    CHECK(names(*source) ==
          Texts{"sub/V1_1__a.sql", "V2__b.sql", "V10__j.sql", "R__A.sql", "R__z.sql"});
    CHECK(source->versioned().size() == 3);
    CHECK(source->find(Version::parse("2.0"))->down->name == "U2__b.sql");
    CHECK_FALSE(source->find(Version::parse("10"))->down);
    CHECK(source->find(Version::parse("3")) == nullptr);
    CHECK(source->newest()->version.text() == "10");
    CHECK(source->ignored().empty());
}

TEST_CASE("names that are no scripts are listed with a reason") {
    const Folder folder{"V1__a.sql", "Vx__b.sql", "notes.txt", "U7__gone.sql"};
    const auto source = folder.load();
    REQUIRE(source->ignored().size() == 3);
    CHECK(source->ignored()[0].path == "Vx__b.sql");
    CHECK(source->ignored()[1].path == "notes.txt");
    CHECK(source->ignored()[2].path == "U7__gone.sql");
    CHECK(source->scripts().size() == 1);
}

TEST_CASE("a golang-migrate folder pairs its directions and skips folders below") {
    const Folder folder{"1_a.up.sql",   "1_a.down.sql",   "0003_create_users.up.sql",
                        "5_e.down.sql", "old/2_b.up.sql", "1_x.sql"};
    const auto source = folder.load();
    CHECK(source->layout() == Layout::golang);
    REQUIRE(source->scripts().size() == 3);
    CHECK(source->scripts()[0].up->name == "1_a.up.sql");
    CHECK(source->scripts()[0].down->name == "1_a.down.sql");
    CHECK(source->scripts()[1].number == 3);
    CHECK(source->scripts()[1].version.text() == "3");
    CHECK(source->scripts()[1].description == "create users");
    CHECK_FALSE(source->scripts()[2].up);
    CHECK(source->find_number(5) == &source->scripts()[2]);
    CHECK(source->ignored().size() == 2);
    CHECK(source->golang_obstacle().empty());
}

TEST_CASE("a folder of both layouts is refused and both are named") {
    const Folder folder{"1_a.up.sql", "V1__a.sql"};
    const auto error = folder.refused();
    CHECK(error.code() == Code::invalid_argument);
    CHECK(holds(error, "'V1__a.sql'"));
    CHECK(holds(error, "'1_a.up.sql'"));
    CHECK(folder.load(LayoutChoice::golang)->scripts().size() == 1);
    CHECK(folder.load(LayoutChoice::flyway)->scripts().size() == 1);
}

TEST_CASE("all duplicates are named at once") {
    const auto flyway = Folder{"V1__a.sql",  "sub/V01__b.sql", "V1_0_0__c.sql",
                               "R__x_y.sql", "R__x y.sql",     "V2__ok.sql"}
                            .refused();
    CHECK(flyway.code() == Code::invalid_argument);
    for (const char* name :
         {"'V1__a.sql'", "'sub/V01__b.sql'", "'V1_0_0__c.sql'", "'R__x_y.sql'", "'R__x y.sql'"})
        CHECK(holds(flyway, name));
    CHECK_FALSE(holds(flyway, "V2__ok"));
    const auto golang = Folder{"1_a.up.sql", "0001_b.up.sql"}.refused();
    CHECK(holds(golang, "'0001_b.up.sql'"));
    CHECK(holds(golang, "'1_a.up.sql'"));
}

TEST_CASE("what Flyway would act on and cannot be done is refused by name") {
    const Folder callback{"V1__a.sql", "afterMigrate.sh"};
    CHECK(callback.refused().code() == Code::unsupported);
    CHECK(callback.refused().script() == "afterMigrate.sh");
    const Folder folder{"9223372036854775808_a.up.sql"};
    CHECK(folder.refused().code() == Code::unsupported);
    const auto program = Folder{"V1__a.sql", "V2__b.sh"}.load();
    CHECK(program->scripts().size() == 2);
    CHECK(program->scripts()[1].type() == "SCRIPT");
    CHECK(program->scripts()[1].up->fault);
}

TEST_CASE("baselines come after versions, callbacks are kept by event and description") {
    const auto source =
        Folder{"V3__c.sql", "B2__base.sql", "V1__a.sql", "afterMigrate__b.sql", "x/afterMigrate.sql", "R__r.sql"}
            .load();
    CHECK(names(*source) == Texts{"V1__a.sql", "V3__c.sql", "B2__base.sql", "R__r.sql"});
    CHECK(source->baselines()[0].type() == "SQL_BASELINE");
    CHECK(source->last().text() == "3");
    REQUIRE(source->callbacks().size() == 2);
    CHECK(source->callbacks()[0].body.name == "x/afterMigrate.sql");
    CHECK(source->callbacks()[0].event == "afterMigrate");
    CHECK(source->golang_obstacle() == "script 'B2__base.sql' is a baseline");
    CHECK(Folder{"B1__a.sql", "B01__b.sql"}.refused().code() == Code::invalid_argument);
    CHECK(Folder{"afterMigrate.sql", "x/afterMigrate.sql"}.refused().code() == Code::invalid_argument);
}

TEST_CASE("a file beside a script configures it") {
    const Folder folder;
    folder.write("V1__a.sql", "SELECT '\xE9 ${who}';");
    folder.write("V1__a.sql.conf",
                 "# one\nexecuteInTransaction = FALSE\nplaceholderReplacement:false\nencod\\\n  ing ISO-8859-1\n");
    const auto source = folder.load();
    const Body& body = *source->scripts()[0].up;
    CHECK(body.text == "SELECT '\u00E9 ${who}';");
    CHECK_FALSE(body.fault);
    CHECK(body.split.outside);
    for (const char* conf : {"shouldExecute=false", "executeInTransaction=yes", "other=1", "encoding=${none}"}) {
        CAPTURE(conf);
        folder.write("V1__a.sql.conf", conf);
        CHECK(folder.refused().script() == "V1__a.sql.conf");
    }
}

TEST_CASE("scripts are decoded strictly, checksums are over what they say") {
    const Folder folder;
    const auto checksum = [&](const std::string& bytes, const std::string& encoding) {
        folder.write("V1__a.sql", bytes);
        SourceOptions options;
        options.encoding = encoding;
        return Source::from_folder(folder.path(), options)->scripts()[0].checksum.value();
    };
    CHECK(checksum("SELECT 'caf\xE9';\n", "ISO-8859-1") == 987117724);
    CHECK(checksum("SELECT 'caf\xC3\xA9';\n", "UTF-8") == 987117724);
    CHECK(checksum(std::string("\xFF\xFES\0E\0", 6), "UTF-8") == flyway_checksum("SE"));
    CHECK(checksum(std::string("\0S\0E", 4), "UTF-16") == flyway_checksum("SE"));
    CHECK_THROWS_AS(checksum("caf\xE9", "US-ASCII"), mtdb::Error);
    CHECK_THROWS_AS(checksum("caf\xE9", "UTF-8"), mtdb::Error);
    CHECK_THROWS_AS(checksum("x", "no-such-thing"), mtdb::Error);
}

TEST_CASE("several locations are one source, a location inside another counts once") {
    const Folder one{"V1__a.sql"}, two{"V2__b.sql", "sub/V3__c.sql"};
    const std::string all = "filesystem:" + one.path() + ", " + two.path() + "," + two.path() + "/sub";
    CHECK(names(*Source::from_folder(all, LayoutChoice::automatic)) ==
          Texts{"V1__a.sql", "V2__b.sql", "sub/V3__c.sql"});
    CHECK(Source::from_folder("file://" + one.path(), LayoutChoice::automatic)->scripts().size() == 1);
    CHECK_THROWS_AS(Source::from_folder("classpath:db/migration", LayoutChoice::automatic), mtdb::Error);
}

TEST_CASE("a repeatable has the checksum of its replaced text, and of the raw one") {
    const Folder folder;
    folder.write("R__a.sql", "SELECT '${who}';\n");
    CHECK(folder.refused().code() == Code::invalid_argument);
    SourceOptions options;
    options.placeholders.values["who"] = "bob";
    const auto source = Source::from_folder(folder.path(), options);
    CHECK(source->scripts()[0].checksum == -193408118);
    CHECK(source->scripts()[0].raw_checksum == 1635467218);
    options.placeholders.replace = false;
    CHECK(Source::from_folder(folder.path(), options)->scripts()[0].checksum == 1635467218);
    folder.write("R__a.sql", "SELECT '${flyway:defaultSchema}';\n");
    const auto general = folder.load();
    CHECK(general->differs_by_tenant());
    mtdb::migrate::TenantValues acme, zenith;
    acme.schema = "acme";
    zenith.schema = "zenith";
    const auto ours = general->of_tenant(acme);
    CHECK(ours->scripts()[0].checksum == flyway_checksum("SELECT 'acme';\n"));
    CHECK(general->of_tenant(zenith)->scripts()[0].checksum != ours->scripts()[0].checksum);
}

TEST_CASE("a script that is not UTF-8 and a folder that is not there are refused") {
    const Folder folder;
    folder.write("V1__a.sql", "SELECT '\xE9';");
    CHECK(folder.refused().code() == Code::invalid_argument);
    CHECK(folder.refused().script() == "V1__a.sql");
    CHECK_THROWS_AS(Source::from_folder("/nowhere/at/all", LayoutChoice::automatic), mtdb::Error);
    CHECK(Folder{}.load()->scripts().empty());
}

TEST_CASE("a script that cannot be split keeps its fault until it is due") {
    const Folder folder;
    folder.write("V1__a.sql", "BEGIN; SELECT 1; COMMIT;");
    const auto source = folder.load();
    REQUIRE(source->scripts()[0].up->fault);
    CHECK(source->scripts()[0].up->fault->script() == "V1__a.sql");
}

TEST_CASE("inline scripts get names that Flyway's layout gives them") {
    const InlineScript scripts[] = {{"2", "add index", "SELECT 2;", "SELECT -2;"},
                                    {"1.1", "first", "SELECT 1;", {}}};
    const auto source = Source::from_inline(scripts);
    CHECK(names(*source) == Texts{"V1.1__first.sql", "V2__add_index.sql"});
    CHECK(source->find(Version::parse("2"))->down->name == "U2__add_index.sql");
    CHECK(source->golang_obstacle() == "version '1.1' is not one number");
    const InlineScript twice[] = {{"1", "a", "", {}}, {"1.0", "b", "", {}}};
    CHECK_THROWS_WITH_AS(Source::from_inline(twice), "there is a script of version '1'",
                         mtdb::Error);
}

TEST_CASE("the fingerprint follows the scripts") {
    const Folder one{"V1__a.sql"}, same{"V1__a.sql"}, other;
    other.write("V1__a.sql", "SELECT 2;");
    CHECK(one.load()->fingerprint() == same.load()->fingerprint());
    CHECK(one.load()->fingerprint() != other.load()->fingerprint());
}
