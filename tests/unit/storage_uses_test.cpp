// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/critical_uses.hpp"

#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passthru {
namespace {

namespace fs = std::filesystem;
using fakes::HostTree;
using fakes::operator""_bdf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Bdf nvme = "03:00.0"_bdf;
const Bdf sata = "00:17.0"_bdf;
const Bdf usb = "00:14.0"_bdf;

class ADisk : public testing::Test {
protected:
    [[nodiscard]] std::vector<std::string> uses_of(const std::vector<Bdf>& functions) const {
        return critical_uses(host_, functions);
    }

    const HostTree host_{R"(
        00:14.0 0c03 8086:7ae0
        00:17.0 0106 8086:7ae2
        00:1d.0 0604 8086:7ab0
          03:00.0 0108 144d:a80a
        10000:e1:00.0 0108 144d:a80a
    )",
                         R"(
        disk nvme0n1 259:0 at 03:00.0/nvme/nvme0
        part nvme0n1p1 259:1 of nvme0n1
        part nvme0n1p2 259:2 of nvme0n1
        part nvme0n1p3 259:3 of nvme0n1
        disk sda 8:0 at 00:17.0/ata1/host0/target0:0:0/0:0:0:0/block
        part sda1 8:1 of sda
        disk sdb 8:16 at 00:14.0/usb1/1-4/1-4:1.0/host1/target1:0:0/1:0:0:0/block
    )"};
};

TEST_F(ADisk, IsFreeWhileNothingUsesIt) {
    EXPECT_THAT(uses_of({nvme, sata, usb}), IsEmpty());
}

TEST_F(ADisk, StaysWhileItIsMounted) {
    host_.add("mount 259:2 /home ext4 /dev/root");
    EXPECT_THAT(uses_of({nvme}), ElementsAre("0000:03:00.0 holds /dev/nvme0n1p2, mounted at /home: "
                                             "unmount /home first"));
}

TEST_F(ADisk, IsFreeWhileOnlyAnotherFunctionsIsMounted) {
    host_.add("mount 8:1 /srv ext4 /dev/sda1");
    EXPECT_THAT(uses_of({nvme, usb}), IsEmpty());
    EXPECT_THAT(uses_of({nvme, sata, usb}),
                ElementsAre("0000:00:17.0 holds /dev/sda1, mounted at /srv: unmount /srv first"));
}

TEST_F(ADisk, StaysWhenOnlyTheCallersOwnNamespaceHasItMounted) {
    host_.put("proc/self/mountinfo", "36 35 8:1 / /srv rw - ext4 /dev/sda1 rw\n");
    EXPECT_THAT(uses_of({sata}), ElementsAre(HasSubstr("mounted at /srv")));
}

TEST_F(ADisk, IsNamedWithThreeMountPointsAndHowManyMore) {
    host_.add(R"(
        mount 259:2 /var/lib/docker ext4 /dev/nvme0n1p2
        mount 259:2 /var ext4 /dev/nvme0n1p2
        mount 259:2 /srv ext4 /dev/nvme0n1p2
        mount 259:2 /home/shared ext4 /dev/nvme0n1p2
        mount 259:1 /efi vfat /dev/nvme0n1p1
    )");
    host_.put("proc/self/mountinfo", "36 35 259:2 / /var rw - ext4 /dev/nvme0n1p2 rw\n");
    EXPECT_THAT(uses_of({nvme}),
                ElementsAre("0000:03:00.0 holds /dev/nvme0n1p1, mounted at /efi; "
                            "/dev/nvme0n1p2, mounted at /srv and /var; and 2 more: unmount /efi, "
                            "/srv, /var and 2 more first"));
}

TEST_F(ADisk, IsNamedOnceForAllMountsOfItsPartition) {
    for (const char* point : {"/a", "/bb", "/ccc", "/dddd", "/eeeee"}) {
        host_.add(fmt::format("mount 8:1 {} ext4 /dev/sda1", point));
    }
    EXPECT_THAT(uses_of({sata}),
                ElementsAre("0000:00:17.0 holds /dev/sda1, mounted at /a, /bb, /ccc and 2 more: "
                            "unmount /a, /bb, /ccc and 2 more first"));
}

TEST_F(ADisk, IsSaidToRunTheHostWhenTheRootIsOnIt) {
    host_.add("mount 259:3 / ext4 /dev/nvme0n1p3");
    EXPECT_THAT(uses_of({nvme}), ElementsAre("0000:03:00.0 holds /dev/nvme0n1p3, mounted at /: "
                                             "the host itself runs from it"));
}

TEST_F(ADisk, IsNamedWithAMountPointThatHasASpace) {
    host_.add(R"(mount 8:1 /mnt/my\040disk\134 ext4 /dev/sda1)");
    EXPECT_THAT(uses_of({sata}), ElementsAre(HasSubstr(R"(mounted at /mnt/my disk\:)")));
}

TEST_F(ADisk, IsFoundByALinkThatWasMounted) {
    host_.add(R"(
        node sda1
        link disk/by-uuid/77 ../../sda1
        mount 0:44 /srv bcachefs /dev/disk/by-uuid/77
    )");
    EXPECT_THAT(uses_of({sata}), ElementsAre(HasSubstr("holds /dev/sda1, mounted at /srv")));
}

TEST_F(ADisk, BehindAUsbControllerStaysWhileItIsMounted) {
    host_.add("mount 8:16 /media/stick vfat /dev/sdb");
    EXPECT_THAT(uses_of({usb}), ElementsAre(HasSubstr("0000:00:14.0 holds /dev/sdb, mounted at")));
}

TEST_F(ADisk, StaysWhileItIsSwap) {
    host_.put("proc/swaps", "Filename Type Size Used Priority\n");
    host_.add("swap /dev/nvme0n1p3");
    EXPECT_THAT(uses_of({nvme, sata}),
                ElementsAre("0000:03:00.0 holds /dev/nvme0n1p3, in use as swap: turn off swap on "
                            "/dev/nvme0n1p3 first"));
}

TEST_F(ADisk, StaysWhileAVolumeOnAnEncryptedPartitionIsMounted) {
    host_.add(R"(
        mapper dm-0 253:0 on nvme0n1p3 as luks-77 CRYPT-LUKS2-77-luks-77
        mapper dm-1 253:1 on dm-0 as vg-root LVM-abc
        mapper dm-2 253:2 on dm-0 as vg-swap LVM-def
        mount 253:1 / ext4 /dev/mapper/vg-root
        swap /dev/dm-2
    )");
    EXPECT_THAT(
        uses_of({nvme}),
        ElementsAre("0000:03:00.0 holds /dev/nvme0n1p3, which is part of encrypted volume luks-77, "
                    "which is part of LVM volume vg-root, mounted at /: the host itself runs from "
                    "it",
                    "0000:03:00.0 holds /dev/nvme0n1p3, which is part of encrypted volume luks-77, "
                    "which is part of LVM volume vg-swap, in use as swap: turn off swap on "
                    "/dev/dm-2 first"));
}

TEST_F(ADisk, IsFoundByTheNameInMapperThatWasMounted) {
    host_.add(R"(
        mapper dm-0 253:0 on sda1 as vg-data LVM-abc
        mount 0:44 /srv btrfs /dev/mapper/vg-data
    )");
    EXPECT_THAT(uses_of({sata}), ElementsAre(HasSubstr("LVM volume vg-data, mounted at /srv")));
}

TEST_F(ADisk, StaysWhileAVolumeUponItIsActiveThatNobodyMounted) {
    host_.add("mapper dm-0 253:0 on sda1 as vg-data LVM-abc");
    EXPECT_THAT(uses_of({sata}),
                ElementsAre("0000:00:17.0 holds /dev/sda1, which is part of LVM volume vg-data: "
                            "deactivate LVM volume vg-data first"));
}

TEST_F(ADisk, StaysForTheTopmostVolumeOnly) {
    host_.add(R"(
        mapper dm-0 253:0 on sda as mpatha mpath-3600
        mapper dm-1 253:1 on dm-0 as crypt CRYPT-PLAIN-crypt
    )");
    EXPECT_THAT(uses_of({sata}), ElementsAre(testing::EndsWith(
                                     "holds /dev/sda, which is part of multipath device mpatha, "
                                     "which is part of encrypted volume crypt: close encrypted "
                                     "volume crypt first")));
}

TEST_F(ADisk, StaysAsAMemberOfAnArrayWhosePartitionIsMounted) {
    host_.add(R"(
        array md0 9:0 on sda1,nvme0n1p1
        part md0p1 259:9 of md0
        mount 259:9 /srv xfs /dev/md0p1
    )");
    EXPECT_THAT(uses_of({sata, nvme}),
                ElementsAre("0000:00:17.0 holds /dev/sda1, which is part of RAID array md0, "
                            "mounted at /srv: unmount /srv first",
                            "0000:03:00.0 holds /dev/nvme0n1p1, which is part of RAID array md0, "
                            "mounted at /srv: unmount /srv first"));
}

TEST_F(ADisk, StaysAsAMemberOfAnArrayOrABcacheThatNobodyMounted) {
    host_.add(R"(
        array md0 9:0 on sda1
        cache bcache0 252:0 on nvme0n1p1
    )");
    EXPECT_THAT(uses_of({sata, nvme}),
                ElementsAre(HasSubstr("part of RAID array md0: stop RAID array md0 first"),
                            HasSubstr("bcache device bcache0: stop bcache device bcache0 first")));
}

TEST_F(ADisk, StaysAsTheSecondMemberOfAMountedBtrfs) {
    host_.add(R"(
        btrfs 77aa on nvme0n1p2,sda1
        mount 0:35 /data btrfs /dev/nvme0n1p2
    )");
    EXPECT_THAT(uses_of({nvme, sata}),
                ElementsAre("0000:03:00.0 holds /dev/nvme0n1p2, mounted at /data: "
                            "unmount /data first",
                            "0000:00:17.0 holds /dev/sda1, which is part of Btrfs file system "
                            "77aa, mounted at /data: unmount /data first"));
}

TEST_F(ADisk, StaysAsAMemberOfABtrfsThatIsMountedWhereWeCannotSee) {
    host_.add("btrfs 77aa on sda1");
    EXPECT_THAT(uses_of({sata, nvme}),
                ElementsAre("0000:00:17.0 holds /dev/sda1, which is part of Btrfs file system "
                            "77aa, which is mounted: unmount Btrfs file system 77aa first"));
}

TEST_F(ADisk, StaysAsAMemberOfAnImportedZfsPool) {
    host_.add(R"(
        zfs_member sda1 of tank
        pool tank
        pool rpool
    )");
    host_.put("proc/spl/kstat/zfs/arcstats", "");
    EXPECT_THAT(uses_of({sata, nvme}),
                ElementsAre("0000:00:17.0 holds /dev/sda1, a ZFS member while ZFS pool tank is "
                            "imported: export ZFS pool tank first"));
}

TEST_F(ADisk, StaysAsAMemberOfAZfsPoolThatWasImportedByAnotherName) {
    host_.add(R"(
        zfs_member sda1 of tank
        mount 0:50 /data zfs newtank/data
    )");
    EXPECT_THAT(uses_of({sata}), ElementsAre(HasSubstr("while ZFS pool newtank is imported")));
}

TEST_F(ADisk, IsFreeAsAMemberOfAZfsPoolThatIsNotImported) {
    host_.add("zfs_member sda1 of tank");
    host_.put("proc/spl/kstat/zfs/arcstats", "");
    EXPECT_THAT(uses_of({sata}), IsEmpty());
}

TEST_F(ADisk, StaysWhileALoopDeviceUponItIsMounted) {
    host_.add("loop loop0 7:0 over /dev/sda1");
    EXPECT_THAT(uses_of({sata}), IsEmpty());
    host_.add("mount 7:0 /mnt ext4 /dev/loop0");
    EXPECT_THAT(uses_of({sata, nvme}),
                ElementsAre("0000:00:17.0 holds /dev/sda1, which is below /dev/loop0, mounted at "
                            "/mnt: unmount /mnt first"));
}

TEST_F(ADisk, StaysWhenTheKernelPutItBelowAVirtualNvmeSubsystem) {
    host_.add(R"(
        subsystem nvme-subsys1 of 10000:e1:00.0/nvme/nvme1
        disk nvme1n1 259:8 at virtual/nvme-subsystem/nvme-subsys1
        mount 259:8 /fast xfs /dev/nvme1n1
    )");
    EXPECT_THAT(uses_of({nvme}), IsEmpty());
    EXPECT_THAT(uses_of({"10000:e1:00.0"_bdf}),
                ElementsAre("10000:e1:00.0 holds /dev/nvme1n1, mounted at /fast: "
                            "unmount /fast first"));
}

TEST_F(ADisk, IsSearchedToTheEndThoughHoldersHoldEachOther) {
    host_.add(R"(
        mapper dm-0 253:0 on sda1 as a LVM-a
        mapper dm-1 253:1 on dm-0 as b LVM-b
    )");
    fs::create_directories(host_.root().below("sys/devices/virtual/block/dm-1/holders"));
    fs::create_symlink("../../dm-0",
                       host_.root().below("sys/devices/virtual/block/dm-1/holders/dm-0"));
    EXPECT_THAT(uses_of({sata}), ElementsAre(HasSubstr("LVM volume b: deactivate")));
}

TEST_F(ADisk, ThatIsGoneIsFree) {
    host_.add("mount 259:2 /home ext4 /dev/nvme0n1p2");
    EXPECT_THAT(uses_of({"05:00.0"_bdf}), IsEmpty());
}

}  // namespace
}  // namespace passthru
